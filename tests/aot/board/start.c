/* Starts a program on the board MPS2 AN386 (Cortex-M4) as QEMU has it, and speaks by semihosting. */
#include <stddef.h>
#include <stdint.h>

extern uint32_t stack_top[], data_start[], data_end[], data_load[], bss_start[], bss_end[];
int main(int count, char **arguments);

static intptr_t host(intptr_t operation, const void *argument) {
  register intptr_t r0 __asm__("r0") = operation;
  register const void *r1 __asm__("r1") = argument;
  __asm__ volatile("bkpt 0xab" : "+r"(r0) : "r"(r1) : "memory");
  return r0;
}

void penstock_say(const char *text) { host(4, text); }

void reset(void) {
  uint32_t *to, *from;
  uintptr_t end[2] = {0x20026, 0};
  *(volatile uint32_t *)0xE000ED88 |= 0xF << 20; /* the floating-point unit */
  __asm__ volatile("dsb\nisb");
  for (to = data_start, from = data_load; to < data_end;) *to++ = *from++;
  for (to = bss_start; to < bss_end;) *to++ = 0;
  end[1] = (uintptr_t)main(0, NULL);
  host(0x20, end);
  for (;;) {}
}

void fault(void) {
  uintptr_t end[2] = {0x20026, 99};
  penstock_say("fault\n");
  host(0x20, end);
  for (;;) {}
}

__attribute__((section(".vectors"), used)) static void *const vectors[16] = {
    stack_top, reset, fault, fault, fault, fault, fault, 0, 0, 0, 0, fault, fault, 0, fault, fault};
