// What the tasks work on, and reading that is not the codec's.

import OrderedCollections
import Pickle
import PthCodec
import Tensors

extension Bench {
  /// A pickle's bytes, in memory.
  func pickle(of path: String) throws -> PickleSource {
    let file = try MappedFile.open(path)
    return unsafe file.withUnsafeBytes { unsafe PickleSource(Array($0)) }
  }

  /// A file's tensors again and again, each with a storage of its own, until
  /// they have `bytes` bytes.
  func mapped(_ path: String, bytes: Int) throws -> StateDict {
    let tensors = try Checkpoint.open(path).tensors.values
    var result = StateDict()
    var left = bytes
    while left > 0 {
      let tensor = tensors[result.count % tensors.count]
      let size = min(left, tensor.byteCount)
      let storage = try part(of: tensor, bytes: size)
      result["layers.\(result.count).weight"] = try Tensor(
        dtype: .uint8,
        layout: Layout(contiguous: [size]),
        storage: storage
      )
      left -= size
    }
    return result
  }

  /// The first bytes of a tensor in a mapped file.
  private func part(of tensor: Tensor, bytes: Int) throws -> Storage {
    unsafe Storage(byteCount: bytes) { body in
      try unsafe tensor.withContiguousBytes {
        try unsafe body(UnsafeRawBufferPointer(rebasing: $0[..<bytes]))
      }
    }
  }

  /// `count` float32 tensors of `bytes` bytes each.
  func made(_ count: Int, bytes: Int) throws -> StateDict {
    var result = StateDict()
    for index in 0..<count {
      let values = (0..<bytes / 4).map { Float(index &* 31 &+ $0) }
      result["l\(index).w"] = try Tensor(values)
    }
    return result
  }

  /// Reads one byte of every page of a file.
  func touch(_ path: String) throws -> Int {
    let file = try MappedFile.open(path)
    return unsafe file.withUnsafeBytes { bytes in
      var sum = 0
      for index in stride(from: 0, to: bytes.count, by: 4096) {
        sum &+= unsafe Int(bytes[index])
      }
      return sum
    }
  }

  /// The sum of a tensor's elements, where they lie in the file.
  func sum(_ tensor: Tensor) throws -> UInt64 {
    try unsafe tensor.withContiguousBytes { bytes in
      let words = unsafe bytes.bindMemory(to: UInt64.self)
      return unsafe words.reduce(0, &+)
    }
  }
}
