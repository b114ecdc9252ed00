"""The CPU of this process: plans become native code over a pool of threads (native/), run by runtime/.

Read first: device.py. `build_program(function)` there plans and loads in one go, for tests and tools.
`packed_plans.py` has programs from packs, `packed_steps.py` steps with operations on the host, `kept_plans.py` those that earlier processes of this user have planned.
"""
