import TestSupport
import Testing

/// Files that are no checkpoint are named for what they are.
@Suite("files of other kinds")
struct ForeignFileTests {
  private static let cases: [(name: String, content: [UInt8], words: String)] =
    [
      ("empty", [], "the file is empty; it was never written"),
      ("zeros", [UInt8](repeating: 0, count: 4096), "begins with 512 zeros"),
      (
        "page", Array("\n<!DOCTYPE html>\n<html>".utf8),
        "it is a web page, not a checkpoint; the link led"
      ),
      (
        "refusal", Array("<?xml version=\"1.0\"?><Error>".utf8), "it is XML"
      ),
      (
        "pointer",
        Array(
          "version https://git-lfs.github.com/spec/v1\noid sha256:0\n".utf8
        ),
        "it is a pointer of Git LFS, not the file itself; `git lfs pull`"
      ),
      ("text", Array("你好, world\n".utf8), "which begins with \"你好, world\""),
      ("json", Array("{\"a\": 1}".utf8), "it is JSON, not a checkpoint"),
      (
        "pickle", [0x80, 2] + Array("}q\0.".utf8),
        "it is a Python pickle, but none that torch.save wrote"
      ),
      ("pickle0", Array("(dp0\n.".utf8), "it is a Python pickle"),
      (
        "keras", [0x89] + Array("HDF\r\n\u{1a}\n".utf8),
        "it is an HDF5 file, as of Keras; save the weights"
      ),
      (
        "tensorflow", Array("model_checkpoint_path: \"a\"\n".utf8),
        "it is a part of a TensorFlow checkpoint"
      ),
      ("xz", [0xfd] + Array("7zXZ\0".utf8), "by xz; unpack it first: xz -dc"),
      ("zip", Array("PK\u{5}\u{6}".utf8), "it is a zip archive that can't"),
      (
        "header", [0xff, 0xff, 0, 0, 0, 0, 0, 0] + Array("{\"a\":".utf8),
        "a header of 65535 bytes, but the file has 13"
      ),
    ]

  @Test(
    "info says what the file is and what to do",
    arguments: cases.map(\.name)
  )
  func info(name: String) throws {
    try withTemporaryDirectory { folder in
      let file = folder.file("model.pth")
      for (_, content, words) in Self.cases.filter({ $0.name == name }) {
        try writeFile(content, to: file)
        let run = try PthTool.run("info", file)
        #expect(run.status == 65)
        #expect(run.messages.hasPrefix("pth: error: \(file): "))
        #expect(run.messages.contains(words), "\(run.messages)")
        #expect(run.text == "")
      }
    }
  }

  @Test("a gzipped checkpoint and a zip around one are told how to unpack")
  func wrapped() throws {
    try withTemporaryDirectory { folder in
      let inner = folder.file("inner.pth")
      try writeFile(Fixture.bytes("torch-2.13/bare.pth"), to: inner)
      let zipped = folder.file("model.pth.gz")
      let gzip = try Command.run("/bin/sh", ["-c", "gzip -c '\(inner)'"])
      try writeFile(gzip.output, to: zipped)
      let run = try PthTool.run("info", zipped)
      #expect(run.status == 65)
      #expect(run.messages.contains("it is compressed by gzip"))
      #expect(run.messages.contains("gunzip -c"))
    }
    let run = try PthTool.run("info", Fixture.path("hostile/zip/no_pickle.pth"))
    #expect(run.status == 65)
    #expect(run.messages.contains("a zip archive without a checkpoint's"))
  }

  @Test("a folder is told which files in it can be read")
  func folder() throws {
    try withTemporaryDirectory { folder in
      let none = try PthTool.run("info", folder.path)
      #expect(none.status == 65)
      #expect(none.messages.contains("a folder without a checkpoint's files"))
      try writeFile([], to: folder.file("b.pth"))
      try writeFile([], to: folder.file("a.safetensors"))
      let some = try PthTool.run("info", folder.path)
      #expect(some.status == 65)
      #expect(some.messages.contains("name a file in it: a.safetensors"))
    }
  }

  @Test("a name that promises another format is warned of")
  func misnamed() throws {
    try withTemporaryDirectory { folder in
      let file = folder.file("model.pth")
      try writeFile(Fixture.bytes("formats/all.safetensors"), to: file)
      let run = try PthTool.run("info", file)
      #expect(run.status == 0)
      #expect(run.text.hasPrefix("\(file): safetensors\n"))
      #expect(
        run.messages
          == "pth: warning: \(file): the name says a PyTorch file, the content "
          + "is safetensors\n"
      )
    }
  }

  @Test("an output without a known ending is told the endings")
  func outputEnding() throws {
    try withTemporaryDirectory { folder in
      let run = try PthTool.run(
        "convert",
        Fixture.path("torch-2.13/bare.pth"),
        folder.file("model.weights")
      )
      #expect(run.status == 65)
      #expect(run.messages.contains("end it in one of .pth, "))
      let picture = try PthTool.run(
        "convert",
        Fixture.path("torch-2.13/bare.pth"),
        folder.file("model.png")
      )
      #expect(picture.status == 65)
      #expect(picture.messages.contains("`pth show --png` draws a picture"))
      #expect(try folder.names() == [])
    }
  }

  @Test("a file's own words can't steer the terminal from a message")
  func escapes() throws {
    try withTemporaryDirectory { folder in
      let file = folder.file("model.pth")
      try writeFile("words \u{9b}31m and more".utf8, to: file)
      let run = try PthTool.run("info", file)
      #expect(run.messages.contains("words \\u{9b}31m"))
    }
  }
}
