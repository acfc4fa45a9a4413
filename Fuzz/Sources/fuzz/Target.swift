import Glibc
import PthCodec

/// What is fuzzed.
enum Target: String, CaseIterable {
  case pickle
  case archive
  case legacy
  case tar
  case safetensors
  case npy
  case npz
  case idx
  case gguf
  case dcp
  case index

  /// What an input is written as: a file's name, or its name in a folder.
  ///
  /// Some readers go by the name.
  private var scratch: (folder: String, file: String) {
    let folder = Scratch.folder
    return switch self {
    case .dcp: (folder + "/dcp", folder + "/dcp/.metadata")
    case .index: (folder, folder + "/model.safetensors.index.json")
    default: (folder, folder + "/input." + rawValue)
    }
  }

  private var format: FormatID {
    switch self {
    case .archive, .pickle: .pytorchZip
    case .legacy: .pytorchLegacy
    case .tar: .pytorchTar
    case .safetensors, .index: .safetensors
    case .npy: .npy
    case .npz: .npz
    case .idx: .idx
    case .gguf: .gguf
    case .dcp: .dcp
    }
  }

  /// Gives an input to everything that reads such files.
  ///
  /// Errors are right; traps, hangs and memory beyond the limits are not.
  ///
  /// - Parameters:
  ///   - bytes: The input.
  ///   - limitTime: Called before each thing that is done with it.
  func run(_ bytes: UnsafeRawBufferPointer, limitTime: () -> Void) {
    limitTime()
    if self == .pickle {
      if let fault = UntrustedFile.exercise(pickle: Array(bytes)) {
        fatalError(fault)
      }
      return
    }
    let (folder, path) = scratch
    Scratch.write(bytes, to: path)
    _ = UntrustedFile.exercise(
      self == .dcp ? folder : path,
      as: format,
      rewritingTo: Scratch.folder + "/output",
      beginning: { _ in limitTime() }
    )
  }
}
