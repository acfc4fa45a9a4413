package import Tensors

/// Compares a file's name with its content.
package enum WrongExtension {
  /// What to warn of before a file is shown; nil where its name is right.
  ///
  /// - Parameter path: The file's path.
  /// - Returns: `the name says A, the content is B`.
  /// - Throws: `FileError` for what can't be opened.
  package static func warning(_ path: String) throws(FileError) -> String? {
    try findings(CheckpointInput(path)).first?.message
  }

  /// A finding where the name promises another format than the content has:
  /// who trusts `.safetensors` to hold no code must not get a pickle.
  static func findings(_ input: CheckpointInput) -> [Finding] {
    guard let found = family(of: input) else { return [] }
    let name = input.fileName.lowercased()
    let isLoaded = [torch, "a pickle", "a zip archive"].contains(found)
    guard
      let claimed = families.first(where: { family in
        family.suffixes.contains { name.hasSuffix("." + $0) }
      }), claimed.name != found,
      // Text may hold anything else that is none.
      claimed.name != text || isLoaded,
      // A checkpoint is a pickle or an archive of pickles.
      claimed.name != torch || found != "a pickle" && found != "a zip archive"
    else { return [] }
    return [
      Finding(
        .warning,
        "wrong-extension",
        "the name says \(claimed.name), the content is \(found)"
      )
    ]
  }

  private static let torch = "a PyTorch file"
  private static let text = "text"

  private static let families: [(name: String, suffixes: [String])] = [
    ("safetensors", ["safetensors"]),
    ("npz", ["npz"]),
    ("npy", ["npy"]),
    ("gguf", ["gguf"]),
    ("onnx", ["onnx"]),
    (torch, ["pth", "pt", "ckpt"]),
    (text, ["json", "txt", "csv", "md", "py"]),
  ]

  private static func family(of input: CheckpointInput) -> String? {
    let format = try? FormatRegistry.reader(for: input, as: nil).descriptor.id
    switch format {
    case .pytorchZip, .pytorchLegacy, .pytorchTar, .torchScript:
      return torch
    case let format?:
      // A family of one format has its name; the others' endings promise
      // nothing.
      return families.map(\.name).first { $0 == format.rawValue }
    case nil:
      if Zip.recognizes(input.head) {
        return "a zip archive"
      }
      return input.head.first == 0x80 ? "a pickle" : nil
    }
  }
}
