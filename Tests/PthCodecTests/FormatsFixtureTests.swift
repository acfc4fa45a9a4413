import OrderedCollections
import PthCodec
import TestSupport
import Testing

/// Files of the libraries that define the formats, read and written again.
struct FormatsFixtureTests {
  static let entries: [Manifest.Entry] =
    (try? Manifest.load("formats").files) ?? []

  @Test(
    "Every fixture has the tensors that its library finds",
    arguments: entries
  )
  func readsFixture(_ entry: Manifest.Entry) throws {
    let checkpoint = try Checkpoint.open(Fixture.path("formats/" + entry.file))
    #expect(checkpoint.format.rawValue == entry.format)
    let found = checkpoint.tensors.elements.map { (name: $0, tensor: $1) }
    #expect(entry.differences(from: found, comparesViews: false) == [])
    for (key, value) in entry.metadata ?? [:] {
      #expect(checkpoint.metadata[key] == value)
    }
  }

  @Test("The manifest covers every format here")
  func coversFormats() {
    let formats = Set(Self.entries.map(\.format))
    #expect(formats == ["safetensors", "npy", "npz", "idx", "gguf"])
  }
}
