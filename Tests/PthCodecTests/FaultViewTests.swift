import OrderedCollections
import PthCodec
import Tensors
import TestSupport
import Testing

@Suite("Views that claim more than there is")
struct FaultViewTests {
  static let file = "hostile/tensor/expanded_huge.pth"

  @Test("Bytes that a view repeats without end are not read one by one")
  func refusesEndlessViews() throws {
    let checkpoint = try Checkpoint.open(Fixture.path(Self.file))
    let tensor = try #require(checkpoint.tensors.values.first)
    var count = 0
    let error = #expect(throws: TensorError.self) {
      try tensor.forEachContiguousPiece { count += $0.count }
    }
    guard case .tooLarge(let bytes, _) = error else {
      Issue.record("\(String(describing: error))")
      return
    }
    #expect(bytes == tensor.byteCount)
    #expect(count == 0)
  }

  @Test("Looking for NaN in such a view is a finding, not a hang")
  func verifiesEndlessViews() throws {
    let report = try FileVerifier.verify(
      Fixture.path(Self.file),
      options: VerifyOptions(checksFinite: true)
    )
    #expect(!report.isSound)
    #expect(report.findings.contains { $0.code == "unreadable" })
  }
}
