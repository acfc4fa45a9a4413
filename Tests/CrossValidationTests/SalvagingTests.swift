import PthCodec
import TestSupport
import Testing

/// What is saved of damaged files, loaded by PyTorch.
@Suite("What is salvaged loads in PyTorch")
struct SalvagingTests {
  @Test(
    "every tensor that is saved has the values of the whole file",
    arguments: ["state_dict", "training", "shared", "parameters"]
  )
  func cuts(name: String) throws {
    let whole = Fixture.path("torch-1.13/\(name).pth")
    let bytes = try readFile(whole)
    var count = 0
    try withTemporaryDirectory { folder in
      let cut = folder.file("cut.pth")
      let rest = folder.file("rest.pth")
      for part in 1...20 {
        try writeFile(bytes.prefix(bytes.count * part / 20), to: cut)
        guard let report = try? Salvage.read(cut) else { continue }
        try report.checkpoint.save(
          to: rest,
          as: .pytorchZip,
          options: WriteOptions(replacesExisting: true)
        )
        let differences: [String] = try Python.value(
          """
          before = {t["name"]: t for t in description(whole)["tensors"]}
          after = {t["name"]: t for t in description(rest)["tensors"]}
          keys = ("dtype", "shape", "sha256")
          result = [n for n, t in after.items()
                    if n not in before or any(t[k] != before[n][k] for k in keys)]
          result += [n for n in saved.split("\\n") if n not in after]
          """,
          [
            "whole": .text(whole), "rest": .text(rest),
            "saved": .text(report.survivors.joined(separator: "\n")),
          ]
        )
        #expect(differences == [], "\(part) of 20")
        count += 1
      }
    }
    #expect(count > 3)
  }
}
