import TestSupport
import Testing

/// Memory and time follow the file, not what it claims.
@Suite("Limits")
struct LimitTests {
  @Test(
    "an option that is exceeded is named, in scan, info and convert",
    arguments: [
      ("--max-nodes", "1000", "deep_lists"),
      ("--max-depth", "1000", "marks"),
      ("--max-memo", "1000", "many_memos"),
      ("--max-integer-bytes", "1000", "long_integer"),
      ("--max-name-bytes", "4", "doubling_tensors"),
    ]
  )
  func options(option: String, value: String, file: String) throws {
    let path = Fixture.path("hostile/pickle/\(file).pth")
    let name =
      option.dropFirst(2).split(separator: "-").enumerated()
      .map { part in
        part.offset == 0
          ? String(part.element)
          : part.element.prefix(1).uppercased() + part.element.dropFirst()
      }
      .joined()
    let scan = try PthTool.run("scan", path, option, value)
    #expect(scan.status == 1)
    #expect(scan.text.contains(name), "\(scan.text)")
    for arguments in [["info", path], ["convert", path, "/no/such/out.pth"]] {
      let run = try PthTool.run(arguments + [option, value])
      #expect(run.status == 65, "\(arguments[0])")
      #expect(run.messages.contains(name), "\(run.messages)")
    }
    #expect(try PthTool.run("scan", path, option, "0").status == 64)
    #expect(try PthTool.run("scan", path).status == 0)
  }

  @Test("long decimal integers are read where they are asked for")
  func decimals() throws {
    try withTemporaryDirectory { folder in
      let path = folder.file("digits.pkl")
      let digits = [UInt8](repeating: UInt8(ascii: "7"), count: 20_000)
      let pickle = [0x80, 2] + Array("L".utf8) + digits + Array("L\n.".utf8)
      try writeFile(pickle, to: path)
      let scan = try PthTool.run("scan", path)
      #expect(scan.status == 1)
      #expect(scan.text.contains("maxIntegerDigits = 8192"), "\(scan.text)")
      let trusting = try PthTool.run(
        "scan",
        path,
        "--max-integer-bytes",
        "10000"
      )
      #expect(trusting.status == 0, "\(trusting.text)")
    }
  }

  @Test("objects that share a large dictionary do not take quadratic time")
  func sharedDictionaries() throws {
    let path = Fixture.path("hostile/tensor/shared_parts.pth")
    let info = try PthTool.run("info", path)
    #expect(info.status == 65)
    #expect(info.messages.contains("share dictionaries"), "\(info.messages)")
    #expect(try PthTool.run("verify", path).status == 1)
    #expect(try PthTool.run("scan", path).status == 0)
  }

  @Test(
    "views that would take terabytes are named, and not read",
    arguments: [
      ["info", "--checksum"], ["show"], ["diff"], ["verify", "--finite"],
      ["convert", "--force"],
    ]
  )
  func repeatedElements(command: [String]) throws {
    let path = Fixture.path("hostile/tensor/expanded_huge.pth")
    try withTemporaryDirectory { folder in
      let second = ["diff": path, "convert": folder.file("out.npz")][command[0]]
      let run = try PthTool.run(command + [path] + (second.map { [$0] } ?? []))
      #expect(run.status == (command[0] == "verify" ? 1 : 65))
      let told = run.messages + run.text
      #expect(told.contains("the tensors repeat more than 67108864 bytes"))
      #expect(try folder.names().isEmpty)
    }
  }

  @Test("compressed records have a limit of size")
  func inflation() throws {
    let path = Fixture.path("hostile/zip/bomb.pth")
    let run = try PthTool.run(
      "verify",
      path,
      "--max-inflated-size",
      "1000000"
    )
    #expect(run.status == 1)
    #expect(run.text.contains("error inflates-too-large"), "\(run.text)")
  }

  @Test(
    "a pickle that is much larger than its file is read where it is trusted",
    arguments: [
      ("disassemble", "1000 open marks"), ("info", "maxDepth = 1000"),
      ("show", "maxDepth = 1000"), ("diff", "maxDepth = 1000"),
      ("sanitize", "maxDepth = 1000"),
    ]
  )
  func inflatedPickle(command: String, next: String) throws {
    let path = Fixture.path("hostile/zip/bomb_pickle.pth")
    try withTemporaryDirectory { folder in
      let second = ["diff": path, "sanitize": folder.file("out.pth")][command]
      let arguments = [command, path] + (second.map { [$0] } ?? [])
      let refused = try PthTool.run(arguments)
      #expect(refused.status == 65)
      #expect(refused.messages.contains("claim to inflate"))
      #expect(refused.messages.contains("--max-ratio"))
      // Then it is refused for what it holds: nothing but marks.
      let read = try PthTool.run(
        arguments + ["--max-ratio", "1000000"]
          + (command == "disassemble" ? [] : ["--max-depth", "1000"])
      )
      #expect(read.status == 65)
      #expect(read.messages.contains(next), "\(read.messages)")
    }
  }

  /// Fixtures of more values than their compressed bytes account for.
  private static let refused = [
    "deep_lists", "deep_tuples", "deep_dicts", "marks",
  ]

  @Test(
    "a million values deep, or 2^60 paths wide: it takes no time",
    arguments: [
      "deep_lists", "deep_tuples", "deep_dicts", "doubling_dicts",
      "doubling_tuples", "doubling_tensors", "marks", "many_memos",
      "long_integer", "huge_memo",
    ]
  )
  func structures(file: String) throws {
    let path = Fixture.path("hostile/pickle/\(file).pth")
    // These are small only because they are compressed.
    let trust =
      Self.refused.contains(file)
      ? ["--max-nodes", "4000000", "--max-depth", "4000000"] : []
    #expect(try PthTool.run("scan", path).status == 0)
    #expect(try PthTool.run(["info", "--json", path] + trust).status == 0)
    try withTemporaryDirectory { folder in
      let whole = folder.file("out.pth")
      let run = try PthTool.run(["convert", path, whole] + trust)
      #expect(run.status == 0, "\(run.messages)")
      #expect(try PthTool.run("info", "--json", whole).status == 0)
    }
  }

  @Test(
    "a million values of two thousand bytes are refused, with the option's name",
    arguments: refused
  )
  func compressedStructures(file: String) throws {
    let path = Fixture.path("hostile/pickle/\(file).pth")
    try withTemporaryDirectory { folder in
      for arguments in [
        ["info", path], ["convert", path, folder.file("out.pth")],
        ["sanitize", path, folder.file("out.pth")],
      ] {
        let run = try PthTool.run(arguments)
        #expect(run.status == 65)
        #expect(
          run.messages.contains("more than maxNodes = 400000")
            || run.messages.contains("more than maxDepth = 400000"),
          "\(run.messages)"
        )
      }
      #expect(try folder.names().isEmpty)
    }
  }

  @Test("one long text under thousands of names is not printed for each")
  func sharedText() throws {
    try withTemporaryDirectory { folder in
      // A list that holds one text of 60,000 letters 15,000 times.
      var pickle: [UInt8] = [0x80, 2, 0x28, 0x58, 0x60, 0xea, 0, 0]
      pickle += [UInt8](repeating: 0x61, count: 60_000) + [0x71, 0]
      for _ in 0..<15_000 { pickle += [0x68, 0] }
      pickle += [0x74, 0x2e]
      let path = folder.file("shared.pkl")
      try writeFile(pickle, to: path)
      #expect(try PthTool.run("scan", path).status == 0)
      // Thousands of names under one long key.
      var names: [UInt8] = [0x80, 2, 0x7d, 0x58, 0x60, 0xea, 0, 0]
      names += [UInt8](repeating: 0x6b, count: 60_000) + [0x28]
      for index in 0..<4000 { names += Array("ca\(index)\nb\n".utf8) }
      names += [0x74, 0x73, 0x2e]
      try writeFile(names, to: path)
      let run = try PthTool.run("scan", "--json", path)
      #expect(run.status == 1)
      #expect(run.output.count < 3_000_000)
    }
  }
}
