// Times conversions of elements in memory, beside a plain copy of the same
// bytes: `bench-convert [MIB]`. The speed counts bytes read and written.
import Dispatch
import Tensors

let mebibytes = CommandLine.arguments.dropFirst().first.flatMap { Int($0) }
let byteCount = max(1, mebibytes ?? 512) << 20
let rounds = 5

/// The middle of several runs' times, in seconds.
func median(of work: () throws -> Void) rethrows -> Double {
  let clock = ContinuousClock()
  var times: [Double] = []
  for _ in 0...rounds {
    let time = try clock.measure(work)
    times.append(
      Double(time.components.seconds)
        + Double(time.components.attoseconds) * 1e-18
    )
  }
  // The first run touches memory for the first time.
  return times.dropFirst().sorted()[rounds / 2]
}

func show(_ name: String, _ bytes: Int, _ seconds: Double, _ copy: Double?) {
  let speed = Double(bytes) / seconds / 1e9
  let text = "\((speed * 10).rounded() / 10) GB/s"
  let ratio = copy.map { "\(Int((speed / $0 * 100).rounded())) % of a copy" }
  print(
    name + String(repeating: " ", count: max(1, 28 - name.count)) + text
      + String(repeating: " ", count: max(1, 12 - text.count)) + (ratio ?? "")
  )
}

/// Copies on all cores, into memory that is new each time, as a conversion's
/// result is.
func copySpeed(of bytes: [UInt8]) -> Double {
  let chunk = 1 << 20
  let seconds = bytes.withUnsafeBytes { source in
    let from = UInt(bitPattern: source.baseAddress)
    return median {
      let target = UnsafeMutableRawBufferPointer.allocate(
        byteCount: bytes.count,
        alignment: 64
      )
      let to = UInt(bitPattern: target.baseAddress)
      DispatchQueue.concurrentPerform(iterations: bytes.count / chunk) {
        let start = UInt($0 * chunk)
        if let source = UnsafeRawPointer(bitPattern: from + start) {
          UnsafeMutableRawPointer(bitPattern: to + start)?
            .copyMemory(from: source, byteCount: chunk)
        }
      }
      target.deallocate()
    }
  }
  show("copy", 2 * bytes.count, seconds, nil)
  return Double(2 * bytes.count) / seconds / 1e9
}

let copy = copySpeed(of: [UInt8](repeating: 3, count: byteCount))
let count = byteCount / 4
let floats = try Tensor(
  (0..<count).map { Float($0 % 1001) * 0.01 - 5 },
  shape: [count]
)
let others: [DType] = [
  .float16, .bfloat16, .float64, .float8E4M3FN, .float8E5M2,
]
for dtype in others {
  for (from, to) in [(DType.float32, dtype), (dtype, .float32)] {
    let source = try floats.converted(to: from)
    let seconds = try median { _ = try source.converted(to: to) }
    show(
      "\(from) to \(to)",
      count * (from.itemSize + to.itemSize),
      seconds,
      copy
    )
  }
}
