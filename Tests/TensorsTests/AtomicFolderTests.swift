import Tensors
import TestSupport
import Testing

/// Folders that appear when they are complete.
@Suite("Atomic folders")
struct AtomicFolderTests {
  private func write(
    _ path: String,
    overwriting: Bool = true,
    commits: Bool = true
  ) throws {
    let folder = try AtomicFolder(path, overwriting: overwriting) {
      $0 == "a" || $0 == "b"
    }
    for name in ["a", "b"] {
      try writeFile(Array(name.utf8), to: folder.file(name))
    }
    if commits { try folder.commit() }
  }

  @Test("a folder appears at once, or not at all")
  func appears() throws {
    try withTemporaryDirectory { place in
      try write(place.file("x"), commits: false)
      #expect(try place.names() == [])
      try write(place.file("x"))
      #expect(try place.names() == ["x"])
      #expect(try TemporaryDirectory.names(in: place.file("x")) == ["a", "b"])
      try writeFile([1, 2], to: place.file("x/a"))
      try write(place.file("x"), commits: false)
      #expect(try readFile(place.file("x/a")) == [1, 2])
      try write(place.file("x"))
      #expect(try readFile(place.file("x/a")) == Array("a".utf8))
      #expect(try place.names() == ["x"])
    }
  }

  @Test("what another process left behind is removed, a stranger's file not")
  func leftovers() throws {
    try withTemporaryDirectory { place in
      // No process has this number: Linux gives at most 4,194,304.
      let left = place.file(".x.pth-4999999-abc.tmp")
      let folder = try AtomicFolder(left, overwriting: false) { _ in false }
      try writeFile([1], to: folder.file("a"))
      try folder.commit()
      try write(place.file("x"))
      #expect(try place.names() == ["x"])
      try writeFile([1], to: place.file("x/other"))
      #expect(throws: FileError.self) { try write(place.file("x")) }
      #expect(try place.names() == ["x"])
      #expect(
        try TemporaryDirectory.names(in: place.file("x")) == [
          "a", "b", "other",
        ]
      )
    }
  }
}
