internal import ArgumentParser

/// Who hands the homework in.
struct HomeworkOptions: ParsableArguments {
  @Option(
    help: ArgumentHelp(
      "The student's id: digits.",
      valueName: "id"
    )
  )
  var studentId: String

  @Option(help: "The student's name: Chinese characters, or pinyin.")
  var name: String

  func validate() throws {
    _ = try baseName()
  }

  /// The file to hand in, `hw7_<student id>_<pinyin name>.pth`.
  ///
  /// - Throws: `ValidationError` for an id or a name that can't be in the
  ///   pattern.
  func fileName() throws -> String {
    try "\(baseName()).pth"
  }

  /// The file's name without its ending.
  func baseName() throws -> String {
    guard
      !studentId.isEmpty, studentId.count <= 32,
      studentId.utf8.allSatisfy({ (0x30...0x39).contains($0) })
    else {
      throw ValidationError(
        "the student id is \"\(Text.printable(studentId))\"; it must be digits"
      )
    }
    return "hw7_\(studentId)_\(try pinyin())"
  }

  private func pinyin() throws -> String {
    guard let pinyin = Pinyin.spelling(of: name) else {
      throw ValidationError(
        "the name \"\(Text.printable(name))\" can't be spelled in pinyin; "
          + "give Chinese characters or the letters a to z"
      )
    }
    return pinyin
  }
}
