import PthCodec
import TestSupport
import Testing

/// The committed table of what torch says, against the torch that is here.
@Suite("torch still says what the table says")
struct LoadCheckTests {
  static let version: String =
    (try? Python.value(
      "result = 'torch-' + '.'.join(torch.__version__.split('.')[:2])"
    )) ?? ""

  @Test("every whole fixture loads, or not, as it is written down")
  func table() throws {
    guard ["torch-1.13", "torch-2.13"].contains(Self.version) else { return }
    let table = try LoadTable.load(Self.version)
    var count = 0
    for row in table.rows
    where row.change == nil && !row.file.hasPrefix("hostile/")
      && row.file.utf8.allSatisfy({ $0 < 0x80 })
    {
      for (mode, outcome) in zip(table.modes, row.outcomes) where !mode.mmap {
        let loads: Bool = try Python.value(
          """
          try:
              load(file, weights_only=bool(only), map_location="cpu")
              result = True
          except Exception:
              result = False
          """,
          [
            "file": .text(Fixture.path(row.file)),
            "only": .integer(mode.weightsOnly ? 1 : 0),
          ]
        )
        #expect(loads == (outcome == nil), "\(row): \(outcome ?? "")")
        count += 1
      }
    }
    #expect(count > 500)
  }
}
