import OrderedCollections
import PthCodec
import Tensors
import TestSupport
import Testing

/// What is saved of a damaged checkpoint: PyTorch's own values or nothing.
@Suite("Salvaging checkpoints")
struct TrustSalvageTests {
  static let samples = [
    "state_dict", "shared", "views", "many_tensors", "training",
    "container_deflated", "container_unaligned",
  ]

  /// A checkpoint that PyTorch wrote, with PyTorch's description of it.
  struct Sample {
    let entry: Manifest.Entry
    let bytes: [UInt8]
    /// The records in the order of the file: name without root, where header
    /// and data begin, where the data and all that belongs to it end.
    let records: [(name: String, header: Int, data: Range<Int>, end: Int)]

    init(_ name: String, in folder: String = "torch-2.13") throws {
      entry = try #require(Manifest.load(folder).entry(name + ".pth"))
      bytes = try Fixture.bytes("\(folder)/\(name).pth")
      let directory = try ZipDirectory(Archives.inMemory(bytes))
      let content = bytes
      records = try directory.records.map { record in
        let path = directory.name(of: record)
        let data = try directory.dataRange(of: record)
        // The sum of a file that Python's zipfile wrote is in the header.
        let flags = content.number(at: record.headerOffset + 6, size: 2)
        let hasDescriptor = flags & 8 != 0 && !data.isEmpty
        return (
          String(path.drop { $0 != "/" }.dropFirst()), record.headerOffset,
          data, data.upperBound + (hasDescriptor ? 16 : 0)
        )
      }
    }

    /// The tensors whose storages are not among the lost ones, in order.
    func survivors(without lost: Set<Int>) -> [Manifest.TensorEntry] {
      entry.tensors.filter { $0.storage.map { !lost.contains($0) } ?? true }
    }

    /// The numbers of the storages whose record fits.
    func storages(
      where condition: (_ data: Range<Int>, _ end: Int) -> Bool
    ) -> Set<Int> {
      Set(
        records.compactMap { record in
          record.name.hasPrefix("data/") && condition(record.data, record.end)
            ? Int(record.name.dropFirst(5)) : nil
        }
      )
    }
  }

  /// Salvages damaged bytes and compares with what PyTorch finds in the whole
  /// file.
  func check(
    _ sample: Sample,
    _ damaged: [UInt8],
    lost: Set<Int>,
    _ what: String
  ) throws {
    try withTemporaryDirectory { folder in
      let path = folder.file("damaged.pth")
      try writeFile(damaged, to: path)
      let expected = sample.survivors(without: lost)
      guard !expected.isEmpty else {
        let error = #expect(throws: CheckpointError.self, "\(what)") {
          try Salvage.read(path)
        }
        #expect(error?.code == .damaged, "\(what)")
        return
      }
      let report = try Salvage.read(path)
      #expect(report.survivors == expected.map(\.name), "\(what)")
      for (entry, tensor) in zip(expected, report.checkpoint.tensors.values) {
        #expect(
          try tensor.sha256() == entry.storedSha256 ?? entry.sha256,
          "\(what): \(entry.name)"
        )
      }
      let names = Set(expected.map(\.name))
      let missing = sample.entry.tensors.map(\.name).filter {
        !names.contains($0)
      }
      #expect(report.losses.map(\.name) == missing, "\(what)")
      #expect(report.losses.allSatisfy { !$0.reason.isEmpty })
    }
  }

  @Test(
    "a file cut at any record's border or middle keeps what is before it",
    arguments: samples
  )
  func cuts(name: String) throws {
    let sample = try Sample(name)
    let pickle = try #require(sample.records.first { $0.name == "data.pkl" })
    for record in sample.records {
      let middle = (record.data.lowerBound + record.data.upperBound) / 2
      let places = [
        record.header, record.header + 15, record.data.lowerBound, middle,
        record.data.upperBound, record.end,
      ]
      for length in places where length > 0 {
        let damaged = Array(sample.bytes[..<length])
        let hasPickle = length >= pickle.data.upperBound
        let lost =
          hasPickle
          ? sample.storages { _, end in end > length }
          : sample.storages { _, _ in true }
        try check(sample, damaged, lost: lost, "\(name) at \(length)")
      }
    }
  }

  @Test(
    "a flipped bit costs the tensors of the storage that it is in",
    arguments: samples.filter { !$0.contains("deflated") }
  )
  func flippedBits(name: String) throws {
    let sample = try Sample(name)
    for record in sample.records
    where record.name.hasPrefix("data/") && !record.data.isEmpty {
      let key = try #require(Int(record.name.dropFirst(5)))
      for place in [record.data.lowerBound, record.data.upperBound - 1] {
        var damaged = sample.bytes
        damaged[place] ^= 0x10
        try check(sample, damaged, lost: [key], "\(name) bit at \(place)")
      }
    }
  }

  @Test(
    "the directory is not needed: filled with anything, nothing is lost",
    arguments: samples
  )
  func corruptedDirectory(name: String) throws {
    let sample = try Sample(name)
    let start = sample.records.map(\.end).max() ?? 0
    var random = SeededGenerator(for: "corrupted directories")
    for fill in [0, 0xff, nil] as [UInt8?] {
      var damaged = sample.bytes
      for place in start..<damaged.count {
        damaged[place] = fill ?? UInt8.random(in: 0...255, using: &random)
      }
      try check(sample, damaged, lost: [], "\(name) \(fill ?? 1)")
    }
  }

  @Test("a hole in the middle costs what lies in it")
  func hole() throws {
    let sample = try Sample("state_dict")
    let holed = sample.records.filter {
      ["data/3", "data/4", "data/5"].contains($0.name)
    }
    let start = try #require(holed.first).header
    let end = try #require(holed.last).end
    var damaged = sample.bytes
    for place in start..<end { damaged[place] = 0 }
    try check(sample, damaged, lost: [3, 4, 5], "zeros")
    damaged.removeSubrange(start..<end)
    try check(sample, damaged, lost: [3, 4, 5], "taken out")
  }

  @Test("a changed pickle is told about")
  func changedPickle() throws {
    let sample = try Sample("state_dict")
    let pickle = try #require(sample.records.first { $0.name == "data.pkl" })
    // The first letter of a name.
    let name = Array("cnn.0.bias".utf8)
    let place = try #require(
      pickle.data.first { sample.bytes[$0...].starts(with: name) }
    )
    var damaged = sample.bytes
    damaged[place] = UInt8(ascii: "x")
    try withTemporaryDirectory { folder in
      let path = folder.file("damaged.pth")
      try writeFile(damaged, to: path)
      let report = try Salvage.read(path)
      #expect(report.survivors.contains("xnn.0.bias"))
      #expect(report.notes.map(\.code) == ["unchecked-pickle"])
    }
  }

  @Test("the reason tells what became of the storage")
  func reasons() throws {
    let sample = try Sample("state_dict")
    let record = try #require(sample.records.first { $0.name == "data/7" })
    let middle = (record.data.lowerBound + record.data.upperBound) / 2
    var flipped = sample.bytes
    flipped[middle] ^= 1
    for (damaged, reason) in [
      (
        Array(sample.bytes[..<middle]), "the file ends within the record data/7"
      ),
      (Array(sample.bytes[..<record.header]), "the record data/7 is not there"),
      (flipped, "the record data/7 has another CRC-32"),
      (
        Array(sample.bytes[..<record.data.upperBound]),
        "the CRC-32 behind the record data/7 is not there"
      ),
    ] {
      try withTemporaryDirectory { folder in
        let path = folder.file("damaged.pth")
        try writeFile(damaged, to: path)
        let losses = try Salvage.read(path).losses
        let loss = try #require(losses.first)
        #expect(loss.name == "fc.0.weight")
        #expect(loss.reason.hasPrefix(reason), "\(loss.reason)")
      }
    }
  }
}
