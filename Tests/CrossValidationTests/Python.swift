import CPython
import Foundation
import TestSupport

/// CPython with PyTorch inside the test process.
///
/// The interpreter is started once. torch must be imported on the thread that
/// starts it: torch 1.13 crashes when it is first imported on a thread that
/// came through `PyGILState_Ensure`. It is never ended: `Py_FinalizeEx` would
/// have to run on that thread too, and the process ends anyway.
enum Python {
  /// A value that a snippet finds under its name.
  enum Argument: Sendable, ExpressibleByStringLiteral,
    ExpressibleByIntegerLiteral
  {
    case text(String)
    case bytes([UInt8])
    case integer(Int)

    init(stringLiteral value: String) { self = .text(value) }
    init(integerLiteral value: Int) { self = .integer(value) }
  }

  /// An exception, or an interpreter that does not start.
  struct Failure: Error, CustomStringConvertible {
    let description: String
  }

  /// Runs a snippet.
  ///
  /// - Parameters:
  ///   - code: Python statements; `torch`, `numpy`, `json`, `load` and
  ///     `network` are there.
  ///   - arguments: More names.
  /// - Throws: ``Failure`` with the traceback where the snippet raises.
  static func run(
    _ code: String,
    _ arguments: [String: Argument] = [:]
  ) throws(Failure) {
    _ = try evaluate(code, arguments)
  }

  /// Runs a snippet and decodes what it leaves in `result`, through JSON.
  static func value<Value: Decodable>(
    of type: Value.Type = Value.self,
    _ code: String,
    _ arguments: [String: Argument] = [:]
  ) throws -> Value {
    let data = Data(try evaluate(code, arguments))
    return try JSONDecoder().decode(Value.self, from: data)
  }

  /// Runs a snippet and takes the bytes that it leaves in `result`.
  static func bytes(
    _ code: String,
    _ arguments: [String: Argument] = [:]
  ) throws(Failure) -> [UInt8] {
    try evaluate(code, arguments)
  }

  /// Runs a snippet and takes the tensor that it leaves in `result` as
  /// float32 values in row-major order.
  static func floats(
    _ code: String,
    _ arguments: [String: Argument] = [:]
  ) throws(Failure) -> [Float] {
    let conversion = """

      result = result.detach().to(torch.float32).contiguous().numpy().tobytes()
      """
    let bytes = try evaluate(code + conversion, arguments)
    return bytes.withUnsafeBytes { raw in
      stride(from: 0, to: raw.count, by: 4).map {
        raw.loadUnaligned(fromByteOffset: $0, as: Float.self)
      }
    }
  }

  private static func evaluate(
    _ code: String,
    _ arguments: [String: Argument]
  ) throws(Failure) -> [UInt8] {
    let run = try interpreter.get().run
    let state = PyGILState_Ensure()
    defer { PyGILState_Release(state) }
    let text = PyUnicode_FromString(code)
    let names = PyDict_New()
    let call = PyTuple_New(2)
    defer { pth_python_release(call) }
    // The tuple takes both references over.
    guard PyTuple_SetItem(call, 0, text) == 0,
      PyTuple_SetItem(call, 1, names) == 0
    else { throw currentException() }
    for (name, argument) in arguments {
      let object = argument.object()
      defer { pth_python_release(object) }
      guard let object, PyDict_SetItemString(names, name, object) == 0
      else { throw currentException() }
    }
    guard let pair = PyObject_CallObject(run, call) else {
      throw currentException()
    }
    defer { pth_python_release(pair) }
    let isFine = PyObject_IsTrue(PyTuple_GetItem(pair, 0)) == 1
    let content = try content(of: PyTuple_GetItem(pair, 1))
    guard isFine else {
      throw Failure(description: String(decoding: content, as: UTF8.self))
    }
    return content
  }

  private static func content(
    of object: UnsafeMutablePointer<PyObject>?
  ) throws(Failure) -> [UInt8] {
    var count = 0
    if pth_python_is_bytes(object), let start = PyBytes_AsString(object) {
      count = PyBytes_Size(object)
      return [UInt8](UnsafeRawBufferPointer(start: start, count: count))
    }
    if pth_python_is_text(object),
      let start = PyUnicode_AsUTF8AndSize(object, &count)
    {
      return [UInt8](UnsafeRawBufferPointer(start: start, count: count))
    }
    throw Failure(description: "neither bytes nor text came back")
  }

  /// The pending exception as an error; prints it with its traceback.
  private static func currentException() -> Failure {
    PyErr_Print()
    return Failure(description: "Python failed; see its traceback above")
  }
}

extension Python.Argument {
  /// A new reference.
  fileprivate func object() -> UnsafeMutablePointer<PyObject>? {
    switch self {
    case .text(let text):
      return PyUnicode_FromString(text)
    case .integer(let number):
      return PyLong_FromLongLong(Int64(number))
    case .bytes(let bytes):
      return bytes.withUnsafeBytes {
        PyBytes_FromStringAndSize(
          $0.baseAddress?.assumingMemoryBound(to: CChar.self),
          bytes.count
        )
      }
    }
  }
}

extension Python {
  /// The program that decides where modules are looked for: the one that
  /// belongs to the library, whatever other Python the PATH has first.
  static let program =
    ProcessInfo.processInfo.environment["PTH_PYTHON"] ?? "/usr/bin/python3"

  /// The function `judge.run`, kept for ever.
  private struct Interpreter: @unchecked Sendable {
    let run: UnsafeMutablePointer<PyObject>
  }

  /// Started at the first use; Swift lets other threads wait meanwhile.
  private static let interpreter: Result<Interpreter, Failure> = {
    nonisolated(unsafe) var outcome: Result<Interpreter, Failure> =
      .failure(Failure(description: "the interpreter's thread did not run"))
    let ready = DispatchSemaphore(value: 0)
    let thread = Thread {
      outcome = start()
      ready.signal()
    }
    thread.name = "python"
    thread.stackSize = 64 << 20
    thread.start()
    ready.wait()
    return outcome
  }()

  /// Starts Python, imports torch and lets go of the lock.
  private static func start() -> Result<Interpreter, Failure> {
    let environment = ProcessInfo.processInfo.environment
    if let reason = pth_python_start(program) {
      return .failure(
        Failure(description: "Python: \(String(cString: reason))")
      )
    }
    let folder = Fixture.packageRoot + "/Tests/CrossValidationTests/Python"
    var lines = ["import sys", "sys.dont_write_bytecode = True"]
    lines.append("sys.path.insert(0, \(quoted(folder)))")
    if let site = environment["PTH_TORCH_SITE"] {
      lines.append("sys.path.insert(0, \(quoted(site)))")
    }
    lines.append("import judge")
    lines.append("judge.start(\(quoted(Fixture.packageRoot + "/fixtures")))")
    guard PyRun_SimpleStringFlags(lines.joined(separator: "\n"), nil) == 0,
      let module = PyImport_ImportModule("judge"),
      let run = PyObject_GetAttrString(module, "run")
    else {
      PyEval_SaveThread()
      return .failure(
        Failure(
          description: "judge.py does not run in \(program): is its torch "
            + "installed? (apt-get install python3-torch)"
        )
      )
    }
    PyEval_SaveThread()
    return .success(Interpreter(run: run))
  }

  /// A Python literal.
  private static func quoted(_ text: String) -> String {
    let escaped = text.replacingOccurrences(of: "\\", with: "\\\\")
      .replacingOccurrences(of: "'", with: "\\'")
    return "'\(escaped)'"
  }
}
