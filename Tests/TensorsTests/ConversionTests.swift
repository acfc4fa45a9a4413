import Foundation
import Tensors
import TestSupport
import Testing

/// Conversions between dtypes, with PyTorch's own results as the judge.
struct ConversionTests {
  @Test("Every pair of dtypes gives PyTorch's bits")
  func matchesPyTorch() throws {
    let bytes = try Fixture.bytes("conversions/digests.json")
    let digests = try JSONDecoder().decode(
      [String: String].self,
      from: Data(bytes)
    )
    .filter { !$0.key.contains("Q") }  // ggml's block types
    #expect(digests.count == 340)
    for (pair, expected) in digests {
      let names = pair.split(separator: " ").map(String.init)
      let source = try #require(DType(rawValue: names[0]))
      let target = try #require(DType(rawValue: names[1]))
      let input = try ConversionInput.tensor(source, to: target)
      let result = try input.converted(to: target, wrapsIntegers: true)
      #expect(result.shape == input.shape)
      #expect(try ConversionInput.digest(result) == expected, "\(pair)")
    }
  }

  @Test("Reading piece by piece converts as the whole does")
  func piecesEqualWhole() throws {
    for target in [DType.float16, .float64, .int64, .complex64] {
      let numbers = (0..<3_000_001).map { Float($0) / 4 }
      let tensor = try Tensor(numbers)
      let lazy = try tensor.convertedWhenRead(to: target)
      var pieces: [UInt8] = []
      var largest = 0
      try lazy.forEachContiguousPiece {
        pieces += $0
        largest = max(largest, $0.count)
      }
      let whole = try tensor.converted(to: target)
      #expect(try whole.withContiguousBytes { Array($0) } == pieces)
      #expect(largest < pieces.count)
      #expect(try lazy.withContiguousBytes { Array($0) } == pieces)
    }
  }

  @Test("A view with strides converts element by element")
  func convertsViews() throws {
    let base = try Tensor((0..<12).map { Float($0) })
    let view = try Tensor(
      dtype: .float32,
      layout: Layout(shape: [3, 2], strides: [1, 6], offset: 1),
      storage: base.storage
    )
    let result = try view.converted(to: .int32)
    #expect(try result.elements(as: Int32.self) == [1, 7, 2, 8, 3, 9])
    #expect(result.layout.isContiguous)
  }

  @Test("Unaligned bytes convert as aligned ones do")
  func convertsUnalignedBytes() throws {
    let numbers = (0..<100).map { Float($0) * 1.1 }
    var bytes: [UInt8] = [0]
    numbers.withUnsafeBytes { bytes += $0 }
    try withTemporaryDirectory { folder in
      try writeFile(bytes, to: folder.file("floats"))
      let file = try MappedFile.open(folder.file("floats"))
      let tensor = try Tensor(
        dtype: .float32,
        layout: Layout(contiguous: [100]),
        storage: Storage(mapping: file, range: 1..<401)
      )
      for target in [DType.float16, .bfloat16, .float64, .int8, .float8E5M2] {
        let expected = try Tensor(numbers).converted(to: target)
        let result = try tensor.converted(to: target)
        #expect(
          try result.withContiguousBytes { Array($0) }
            == expected.withContiguousBytes { Array($0) }
        )
      }
    }
  }

  @Test("A float that an integer type can't hold is an error with its place")
  func refusesFloatsOutOfRange() throws {
    let cases: [(Float, DType)] = [
      (.nan, .int64), (.infinity, .int32), (300, .uint8), (-1, .uint8),
      (-129, .int8), (0x1p63, .int64), (0x1p64, .uint64), (65536, .uint16),
    ]
    for (value, target) in cases {
      let tensor = try Tensor([1, 2, value, 4])
      #expect(
        throws: TensorError.outOfRange(
          value: "\(Double(value))",
          index: 2,
          to: target
        )
      ) { try tensor.converted(to: target) }
    }
    let largest = try Tensor([Float(-0x1p63), -0.9, 127.9])
    #expect(
      try largest.converted(to: .int64).elements(as: Int64.self)
        == [.min, 0, 127]
    )
    #expect(
      try Tensor([Float(-0.9), 255.9]).converted(to: .uint8)
        .elements(as: UInt8.self) == [0, 255]
    )
  }

  @Test("An integer too large is an error unless it is to wrap")
  func integersWrapOnlyOnRequest() throws {
    let tensor = try Tensor([Int64(1), 300, -1])
    #expect(
      throws: TensorError.outOfRange(value: "300", index: 1, to: .uint8)
    ) { try tensor.converted(to: .uint8) }
    #expect(
      throws: TensorError.outOfRange(value: "-1", index: 2, to: .uint64)
    ) { try tensor.converted(to: .uint64) }
    #expect(
      try tensor.converted(to: .uint8, wrapsIntegers: true)
        .elements(as: UInt8.self) == [1, 44, 255]
    )
    let large = try Tensor([UInt64.max])
    #expect(
      throws: TensorError.outOfRange(
        value: "\(UInt64.max)",
        index: 0,
        to: .int64
      )
    ) { try large.converted(to: .int64) }
  }

  @Test("The first of many values out of range is the one that is named")
  func namesTheFirstMisfit() throws {
    var numbers = [Float](repeating: 1, count: 1_000_000)
    numbers[300_000] = 1e9
    numbers[900_000] = .nan
    let tensor = try Tensor(numbers)
    #expect(
      throws: TensorError.outOfRange(
        value: "1000000000.0",
        index: 300_000,
        to: .int16
      )
    ) { try tensor.converted(to: .int16) }
  }

  @Test("Conjugate and negative bits are carried out")
  func resolvesBits() throws {
    var tensor = try Tensor(
      dtype: .complex64,
      layout: Layout(contiguous: [2]),
      storage: Storage([Float(1), 2, 3, 4])
    )
    tensor.isConjugate = true
    let double = try tensor.converted(to: .complex128)
    #expect(try Self.doubles(double) == [1, -2, 3, -4])
    tensor.isNegative = true
    #expect(
      try Self.doubles(tensor.converted(to: .complex128)) == [-1, 2, -3, 4]
    )
    #expect(
      try tensor.converted(to: .float32).elements(as: Float.self) == [-1, -3]
    )
  }

  private static func doubles(_ tensor: Tensor) throws -> [Double] {
    try tensor.withContiguousBytes { Array($0.bindMemory(to: Double.self)) }
  }

  @Test("dtypes without a meaning or a value have no conversion")
  func refusesOtherDTypes() throws {
    let tensor = try Tensor([UInt8(1)])
    for dtype in [DType.qint8, .bits8, .float4E2M1FNx2, .quint4x2] {
      #expect(throws: TensorError.noConversion(from: .uint8, to: dtype)) {
        try tensor.converted(to: dtype)
      }
    }
  }

  @Test("A tensor of the dtype already stays itself; an empty one converts")
  func edges() throws {
    let tensor = try Tensor([Float(1)])
    #expect(try tensor.converted(to: .float32).storage === tensor.storage)
    let empty = try Tensor([Float](), shape: [0, 3])
    let result = try empty.converted(to: .int64)
    #expect(result.shape == [0, 3])
    #expect(try result.elements(as: Int64.self).isEmpty)
    let scalar = try Tensor([Float(2.5)], shape: [])
    #expect(
      try scalar.converted(to: .float64).elements(as: Double.self) == [2.5]
    )
  }
}
