import PthCodec
import Tensors
import TestSupport
import Testing

/// The check for elements that are NaN or infinite.
@Suite("NaN and infinite elements")
struct TrustNonFiniteTests {
  private static func message(_ tensor: Tensor) throws -> String? {
    try withTemporaryDirectory { folder in
      let path = folder.file("numbers.pth")
      try Checkpoint(tensor).save(to: path)
      let report = try FileVerifier.verify(
        path,
        options: VerifyOptions(checksFinite: true)
      )
      #expect(report.findings.allSatisfy { $0.code == "non-finite" })
      return report.findings.first?.message
    }
  }

  @Test(
    "are counted in each dtype that has them",
    arguments: [
      DType.float64, .float32, .float16, .bfloat16, .float8E5M2,
      .float8E4M3FN, .float8E4M3FNUZ, .float8E5M2FNUZ,
    ]
  )
  func real(dtype: DType) throws {
    let finite = try Tensor([0, 1, -2, 0.5] as [Float]).converted(to: dtype)
    #expect(try Self.message(finite) == nil)
    let numbers = try Tensor([0, .nan, -2, 0.5, .nan] as [Float])
    #expect(
      try Self.message(numbers.converted(to: dtype))
        == "2 of 5 elements are NaN or infinite"
    )
  }

  @Test(
    "count infinities where the dtype has some",
    arguments: [DType.float64, .float32, .float16, .bfloat16, .float8E5M2]
  )
  func infinite(dtype: DType) throws {
    let numbers = try Tensor([.infinity, 1, -.infinity, .nan] as [Float])
    #expect(
      try Self.message(numbers.converted(to: dtype))
        == "3 of 4 elements are NaN or infinite"
    )
  }

  @Test(
    "a complex number counts once, whichever part it is",
    arguments: [DType.complex128, .complex64, .complex32]
  )
  func complex(dtype: DType) throws {
    let parts: [Float] = [1, 2, .nan, 0, 0, .infinity, .nan, .nan]
    let half = try #require(dtype.component)
    let real = try Tensor(parts).converted(to: half)
    let pairs = try Tensor(
      dtype: dtype,
      layout: Layout(contiguous: [4]),
      storage: real.storage
    )
    #expect(
      try Self.message(pairs) == "3 of 4 elements are NaN or infinite"
    )
  }

  @Test("integers have none")
  func integers() throws {
    #expect(try Self.message(Tensor([Int64.max, .min, -1])) == nil)
  }
}
