// Reads a digit by the library that digits.py builds: swiftc -I out -L out read.swift
import digits

var table = digits_model
let arena = UnsafeMutableRawPointer.allocate(byteCount: Int(table.arena_bytes), alignment: 64)
defer { arena.deallocate() }
var status = penstock_prepare(&table, arena, table.arena_bytes, nil, 0)

var image = [Float](repeating: 0, count: 784)
for row in 4..<24 { image[28 * row + 14] = 1 }  // a stroke
var scores = [Float](repeating: 0, count: 10)
image.withUnsafeMutableBytes { pixels in
  scores.withUnsafeMutableBytes { numbers in
    var input = penstock_array(data: pixels.baseAddress, bytes: UInt64(pixels.count))
    var output = penstock_array(data: numbers.baseAddress, bytes: UInt64(numbers.count))
    status = penstock_run(&table, 0, &input, 1, &output, 1, arena, table.arena_bytes)
  }
}
print(status == 0 ? "The stroke is read as \(scores.firstIndex(of: scores.max()!)!)." : String(cString: penstock_status_text(&table, status)))
