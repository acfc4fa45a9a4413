internal import COneDNN
internal import Synchronization

/// One batch on its way through the network, shared by a team's threads.
@safe
final class PredictionJob: TeamJob {
  private let library: OneDNN
  private let lanes: [PredictionLane]
  private let failure = Atomic<Int>(0)
  private var pixels: UnsafePointer<Float>?
  private var output: UnsafeMutablePointer<Float>?
  private var count = 0

  init(
    _ weights: PredictionWeights,
    _ library: OneDNN,
    threads: Int
  ) throws(ConvNetError) {
    self.library = library
    var lanes: [PredictionLane] = []
    for _ in 0..<threads {
      lanes.append(try PredictionLane(weights, library))
    }
    self.lanes = lanes
  }

  /// The images of a group: the linear layers take them together.
  private var groupSize = PredictionLane.smallGroup

  /// The groups that the batch is split into.
  var groups: Int { (count + groupSize - 1) / groupSize }

  /// 0, or what oneDNN answered.
  var status: Int { failure.load(ordering: .acquiring) }

  func prepare(
    _ pixels: UnsafePointer<Float>,
    _ count: Int,
    _ output: UnsafeMutablePointer<Float>
  ) {
    unsafe self.pixels = pixels
    unsafe self.output = output
    self.count = count
    // Large groups are faster, but every thread should get some.
    groupSize =
      count > 4 * lanes.count * PredictionLane.largeGroup
      ? PredictionLane.largeGroup : PredictionLane.smallGroup
    failure.store(0, ordering: .releasing)
  }

  func work(thread: Int, team: TeamState) {
    team.chunks(groups) { index in
      let status = group(index, on: thread)
      if status != 0 { failure.store(status, ordering: .releasing) }
    }
  }

  /// Computes one group of images on one thread.
  func group(_ index: Int, on thread: Int) -> Int {
    guard let pixels = unsafe pixels, let output = unsafe output else {
      return 0
    }
    let first = index * groupSize
    return unsafe lanes[thread].run(
      pixels + first * PixelSource.imageLength,
      min(groupSize, count - first),
      output + first * MyConvNet.classCount,
      library.stream(thread)
    )
  }

  static func check(_ status: Int) throws(ConvNetError) {
    guard status == 0 else {
      throw .oneDNN(call: "the network", status: status)
    }
  }
}
