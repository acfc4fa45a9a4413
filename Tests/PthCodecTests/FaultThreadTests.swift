import Dispatch
import OrderedCollections
import PthCodec
import Synchronization
import Tensors
import TestSupport
import Testing

/// One file in the hands of many threads; run it under ThreadSanitizer.
@Suite("Many threads")
struct FaultThreadTests {
  static let files = [
    "torch-2.13/training.pth", "torch-2.13/container_deflated.pth",
    "torch-2.13/container_big_endian.pth", "torch-1.13/training_legacy.pth",
    "legacy/torch01.tar", "torch-2.13/dcp_single",
    "formats/deflated.npz", "formats/all.safetensors", "formats/plain.gguf",
    "formats/fortran_big.npy", "formats/labels-idx1-ubyte.gz",
  ]

  private func sums(_ checkpoint: Checkpoint) throws -> [String] {
    try checkpoint.tensors.values.map { try $0.sha256() ?? "meta" }
  }

  @Test("One opened file can be read by many threads at once", arguments: files)
  func isShared(_ name: String) throws {
    let path = Fixture.path(name)
    let expected = try sums(Checkpoint.open(path))
    // Nothing has been read from this one yet: all come at once.
    let shared = try Checkpoint.open(path)
    let faults = Mutex<[String]>([])
    DispatchQueue.concurrentPerform(iterations: 32) { index in
      do {
        let found = try sums(index % 2 == 0 ? shared : Checkpoint.open(path))
        guard found != expected else { return }
        faults.withLock { $0.append("thread \(index) read something else") }
      } catch {
        faults.withLock { $0.append("\(error)") }
      }
    }
    #expect(faults.withLock { $0 } == [])
    #expect(!expected.isEmpty)
  }

  @Test("One archive's records can be read by many threads at once")
  func sharesArchives() throws {
    let path = Fixture.path("torch-2.13/container_deflated.pth")
    let reader = try ArchiveReader(MappedFile.open(path))
    let count = reader.directory.records.count
    let sizes = Mutex<[[Int]]>([])
    DispatchQueue.concurrentPerform(iterations: 16) { _ in
      let found = (0..<count).map { index in
        (try? reader.storage(at: index, checkingSum: true).byteCount) ?? -1
      }
      sizes.withLock { $0.append(found) }
    }
    let all = sizes.withLock { $0 }
    #expect(all.count == 16 && Set(all).count == 1)
    #expect(all[0] == reader.directory.records.map(\.uncompressedSize))
  }

  @Test("One checkpoint can be written by many threads at once")
  func isWrittenByMany() throws {
    let checkpoint = try Checkpoint.open(
      Fixture.path("torch-2.13/training.pth")
    )
    try withTemporaryDirectory { folder in
      let faults = Mutex<[String]>([])
      DispatchQueue.concurrentPerform(iterations: 16) { index in
        do {
          // Two threads write each file.
          try checkpoint.save(to: folder.file("\(index / 2).pth"))
        } catch {
          faults.withLock { $0.append("\(error)") }
        }
      }
      #expect(faults.withLock { $0 } == [])
      let original = try Fixture.bytes("torch-2.13/training.pth")
      for name in try folder.names() {
        #expect(try readFile(folder.file(name)) == original)
      }
      #expect(try folder.names().count == 8)
    }
  }
}
