internal import COneDNN

/// oneDNN's functions, loaded when they are first asked for.
///
/// Whoever only reads checkpoints neither needs the library nor waits for it.
///
/// - Throws: ``ConvNetError/noOneDNN(reason:)`` where it can't be loaded.
var dnnl: pth_onednn_functions {
  get throws(ConvNetError) { try loaded.get() }
}

private let loaded: Result<pth_onednn_functions, ConvNetError> = {
  var complaint: UnsafePointer<CChar>?
  if let functions = unsafe pth_onednn_load(&complaint) {
    return unsafe .success(functions.pointee)
  }
  let reason = unsafe complaint.map { unsafe String(cString: $0) }
  return .failure(.noOneDNN(reason: reason ?? "it can't be found"))
}()

/// Throws unless oneDNN answered success.
func check(_ status: dnnl_status_t, _ call: String) throws(ConvNetError) {
  guard status == dnnl_success else {
    throw .oneDNN(call: call, status: Int(status.rawValue))
  }
}

/// Keeps oneDNN to the calling thread.
///
/// Debian's runs on OpenMP, whose thread count is each thread's own. It is
/// restored afterwards.
func withOneOpenMPThread<Result, Failure: Error>(
  _ body: () throws(Failure) -> Result
) throws(Failure) -> Result {
  guard let dnnl = try? dnnl,
    let setCount = dnnl.omp_set_num_threads,
    let count = dnnl.omp_get_max_threads
  else { return try body() }
  let before = count()
  setCount(1)
  defer { setCount(before) }
  return try body()
}
