internal import CKernels
internal import COneDNN
public import Tensors

/// Runs a network on images: the network as it is in evaluation mode.
///
/// Making one folds each BatchNorm into its convolution and prepares all
/// calls; it keeps its own copy of the parameters. One thread at a time may
/// use it.
public final class Predictor {
  private let team: WorkerTeam
  private let job: PredictionJob
  private let single: SingleImage

  /// Prepares a network for use.
  ///
  /// - Parameters:
  ///   - model: The network; later changes of it don't show.
  ///   - threads: The threads that share a batch, the caller among them.
  /// - Throws: ``ConvNetError`` where oneDNN or the system refuses.
  public init(_ model: MyConvNet, threads: Int = 2) throws(ConvNetError) {
    let team = try WorkerTeam(threads: threads)
    self.team = team
    (job, single) = try withOneOpenMPThread { () throws(ConvNetError) in
      let library = try OneDNN(threads: team.threads)
      let weights = PredictionWeights(model)
      return (
        try PredictionJob(weights, library, threads: team.threads),
        try SingleImage(weights, library, threads: team.threads)
      )
    }
  }

  /// The probabilities of the ten digits for each image.
  ///
  /// - Parameter images: float32 `[N, 1, 28, 28]` or `[1, 28, 28]`.
  /// - Returns: float32 `[N, 10]`, each row summing to 1.
  /// - Throws: ``ConvNetError`` for another shape or dtype.
  public func probabilities(
    of images: Tensor
  ) throws(ConvNetError) -> Tensor {
    let pixels = try PixelSource(images, name: "the input")
    do {
      return try Tensor(
        probabilities(of: pixels),
        shape: [pixels.count, MyConvNet.classCount]
      )
    } catch let error as ConvNetError {
      throw error
    } catch {
      throw .unreadable(of: "the output", reason: "\(error)")
    }
  }

  /// The probabilities of the ten digits for each image.
  ///
  /// - Parameters:
  ///   - pixels: 784 values an image, one image after the other.
  ///   - output: Gets ten probabilities an image.
  /// - Throws: ``ConvNetError`` where the lengths don't fit.
  public func probabilities(
    of pixels: Span<Float>,
    into output: inout MutableSpan<Float>
  ) throws(ConvNetError) {
    let count = pixels.count / PixelSource.imageLength
    guard count * PixelSource.imageLength == pixels.count else {
      throw .shape(
        of: "the input",
        expected: "784 values an image",
        actual: [pixels.count]
      )
    }
    guard output.count == count * MyConvNet.classCount else {
      throw .shape(
        of: "the output",
        expected: "[\(count), 10]",
        actual: [output.count]
      )
    }
    let status = unsafe pixels.withUnsafeBufferPointer { source in
      unsafe output.withUnsafeMutableBufferPointer { target in
        unsafe run(source.baseAddress, count, target.baseAddress)
      }
    }
    try PredictionJob.check(status)
  }

  /// The images after which the progress is told: whole groups, and enough of
  /// them to lose no speed.
  private var partSize: Int {
    max(1 << 11, 8 * PredictionLane.largeGroup * team.threads)
  }

  /// The probabilities as an array, ten an image.
  ///
  /// - Parameters:
  ///   - pixels: The images.
  ///   - progress: Told how many of how many images are done.
  /// - Returns: The probabilities, image after image.
  /// - Throws: ``ConvNetError`` where oneDNN refuses.
  func probabilities(
    of pixels: PixelSource,
    progress: ((_ done: Int, _ total: Int) -> Void)? = nil
  ) throws(ConvNetError) -> [Float] {
    var status = 0
    let classes = MyConvNet.classCount
    let length = pixels.count * classes
    let part = progress == nil ? pixels.count : partSize
    let result = unsafe [Float](unsafeUninitializedCapacity: length) {
      buffer,
      count in
      var done = 0
      while done < pixels.count, status == 0 {
        let size = min(part, pixels.count - done)
        status = unsafe run(
          pixels.base.map { unsafe $0 + done * PixelSource.imageLength },
          size,
          buffer.baseAddress.map { unsafe $0 + done * classes }
        )
        done += size
        progress?(done, pixels.count)
      }
      count = length
    }
    try PredictionJob.check(status)
    return result
  }

  private func run(
    _ pixels: UnsafePointer<Float>?,
    _ count: Int,
    _ output: UnsafeMutablePointer<Float>?
  ) -> Int {
    guard count > 0, let pixels = unsafe pixels, let output = unsafe output
    else { return 0 }
    if count == 1 { return unsafe single.run(pixels, output, on: team) }
    unsafe job.prepare(pixels, count, output)
    if job.groups == 1 {
      // Waking the others would take longer than the work.
      return withOneOpenMPThread { job.group(0, on: 0) }
    }
    team.run(job)
    return job.status
  }
}
