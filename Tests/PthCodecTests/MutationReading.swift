import OrderedCollections
import Pickle
import PthCodec
import Tensors

/// Everything that is done with a file that nobody vouches for.
///
/// Errors are right; traps, hangs and memory that the file does not account
/// for are not. The fuzz targets run the same.
enum UntrustedFile {
  /// Limits so low that an honest reader stays below 256 MB.
  static let limits = ReadOptions(
    pickle: PickleLimits(maxNodes: 4_000_000),
    maxInflatedSize: 64 << 20
  )

  /// Opens, reads, checks, scans and rewrites a file or folder.
  ///
  /// - Parameters:
  ///   - path: The file or folder.
  ///   - format: The format whose reader is asked whatever the content; nil
  ///     leaves that to the content.
  ///   - output: A path, without a suffix, that may be written to; nil leaves
  ///     rewriting out.
  ///   - beginning: Called before each of these.
  /// - Returns: The errors' texts.
  static func exercise(
    _ path: String,
    as format: FormatID? = nil,
    rewritingTo output: String? = nil,
    beginning: (_ what: String) -> Void
  ) -> [String] {
    var errors: [String] = []
    func attempt<Value>(_ what: String, _ body: () throws -> Value) -> Value? {
      beginning(what)
      do {
        return try body()
      } catch {
        errors.append("\(error)")
        return nil
      }
    }
    if let checkpoint = attempt(
      "open",
      {
        try Checkpoint.open(path, as: format, options: limits)
      }
    ) {
      _ = attempt("read") { try readTensors(of: checkpoint) }
      if let output {
        _ = attempt("rewrite") { try rewrite(checkpoint, to: output) }
        _ = attempt("sanitize") { try sanitize(checkpoint, to: output) }
      }
    }
    _ = attempt("verify") {
      try FileVerifier.verify(
        path,
        options: VerifyOptions(reading: limits)
      )
    }
    _ = attempt("scan") {
      try FileScanner.scan(path, options: ScanOptions(reading: limits))
    }
    for target in TorchTarget.allCases {
      for weightsOnly in [false, true] {
        _ = attempt("check") {
          try LoadCheck.check(
            path,
            options: LoadOptions(
              target,
              weightsOnly: weightsOnly,
              reading: limits
            )
          )
        }
      }
    }
    if format == nil || format == .pytorchZip {
      _ = attempt("salvage") { try Salvage.read(path, options: limits) }
    }
    return errors
  }

  /// Reads every element, of views that repeat theirs only so many.
  private static func readTensors(of checkpoint: Checkpoint) throws {
    var budget = 64 << 20
    for tensor in checkpoint.tensors.values where tensor.byteCount <= budget {
      budget -= tensor.byteCount
      try tensor.forEachContiguousPiece { _ in }
    }
  }

  private static func isSmall(_ checkpoint: Checkpoint) -> Bool {
    let size = checkpoint.tensors.values.reduce(into: 0) { total, tensor in
      total = total.addingReportingOverflow(tensor.byteCount).partialValue
    }
    return 0...(16 << 20) ~= size
  }

  private static func rewrite(
    _ checkpoint: Checkpoint,
    to output: String
  ) throws {
    guard isSmall(checkpoint) else { return }
    let options = WriteOptions(allowsLoss: true)
    try checkpoint.save(to: output + ".safetensors", options: options)
    try checkpoint.save(to: output + ".pth", options: options)
    // What was written can be read again.
    _ = try Checkpoint.open(output + ".pth")
  }

  private static func sanitize(
    _ checkpoint: Checkpoint,
    to output: String
  ) throws {
    guard isSmall(checkpoint) else { return }
    try checkpoint.sanitized().checkpoint.save(
      to: output + ".pth",
      options: WriteOptions(allowsLoss: true)
    )
  }

  /// Decodes, scans, shows and encodes a pickle.
  ///
  /// - Parameter bytes: What may be a pickle.
  /// - Returns: What should not be, nil where all is well.
  static func exercise(pickle bytes: [UInt8]) -> String? {
    let source = PickleSource(bytes)
    let limits = PickleLimits(maxNodes: 4_000_000)
    let partial = Unpickler.decodePermissively(source, limits: limits)
    let report = Scanner.scan(partial, source)
    guard report.endOffset <= bytes.count else {
      return "the scan ends at \(report.endOffset) of \(bytes.count)"
    }
    _ = try? Disassembler.disassemble(source) { _ in }
    guard partial.failure == nil else { return nil }
    for version in [0, 2, 5] {
      // What can be written can be read and written again.
      guard
        let written = try? Pickler.encode(partial.graph, protocol: version)
      else { continue }
      let again = Unpickler.decodePermissively(PickleSource(written))
      if let failure = again.failure {
        return "protocol \(version) can't be read: \(failure)"
      }
      guard
        (try? Pickler.encode(again.graph, protocol: version)) != nil
      else { return "protocol \(version) can't be written again" }
    }
    return nil
  }
}
