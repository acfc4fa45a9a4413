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

  @Test("Views that repeat more than the file justifies are not read together")
  func refusesManyRepeats() throws {
    try withTemporaryDirectory { folder in
      let one = try Tensor([Float(3)], shape: [1])
      // Each takes 40 MiB if it is unfolded, of 4 bytes.
      let wide = try Tensor(
        dtype: .float32,
        layout: Layout(shape: [10 << 20], strides: [0]),
        storage: one.storage
      )
      let path = folder.file("views.pth")
      try Checkpoint(StateDict(["a": wide, "b": wide])).save(to: path)
      let checkpoint = try Checkpoint.open(path)
      let target = folder.file("views.safetensors")
      let options = WriteOptions(allowsLoss: true)
      for read in [
        { try checkpoint.save(to: target, options: options) },
        { _ = try checkpoint.differences(to: checkpoint) },
        { _ = try checkpoint.converted(to: .float16) },
      ] {
        let error = #expect(throws: CheckpointError.self) { try read() }
        #expect(error?.code == .limit)
        #expect(error?.file == path)
        #expect(error?.hint?.contains("--max-ratio") == true)
      }
      #expect(try folder.names() == ["views.pth"])
      // One of them is no more than any file may hold, and PyTorch's formats
      // keep the views.
      try checkpoint.dropping("b").save(to: target, options: options)
      try checkpoint.save(to: folder.file("copy.pth"))
      let trusting = try Checkpoint.open(
        path,
        options: ReadOptions(maxInflationRatio: 1_000_000)
      )
      try trusting.save(
        to: folder.file("both.safetensors"),
        options: options
      )
      // A program's own tensors are its own affair.
      var mine = try checkpoint.dropping("b")
      mine.tensors["mine"] = try wide.contiguous()
      mine.tensors["yours"] = try wide.contiguous()
      try mine.save(to: folder.file("mine.npz"), options: options)
    }
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
