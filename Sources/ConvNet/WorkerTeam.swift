internal import CKernels
internal import Synchronization

#if canImport(Glibc)
  internal import Glibc
#elseif canImport(Musl)
  internal import Musl
#elseif canImport(Darwin)
  internal import Darwin
#endif

/// Work that all threads of a team do together.
protocol TeamJob: AnyObject {
  /// Called once on every thread of the team, at the same time.
  func work(thread: Int, team: TeamState)
}

/// A few threads that work on one job at a time, the caller among them.
@safe
final class WorkerTeam {
  private let state: TeamState
  private var helpers: [pthread_t] = []
  private var pace = Pace()

  /// How many threads there are, with the caller.
  let threads: Int

  init(threads: Int) throws(ConvNetError) {
    self.threads = max(1, threads)
    state = TeamState()
    for index in 1..<max(2, self.threads) where self.threads > 1 {
      try start(index)
    }
  }

  deinit {
    state.stop()
    for helper in helpers { pthread_join(helper, nil) }
  }

  private func start(_ index: Int) throws(ConvNetError) {
    let start = unsafe Unmanaged.passRetained(HelperStart(state, index))
    #if canImport(Darwin)
      var thread: pthread_t?
      let status = unsafe pthread_create(
        &thread,
        nil,
        runHelper,
        start.toOpaque()
      )
    #else
      var thread = pthread_t()
      let status = unsafe pthread_create(
        &thread,
        nil,
        { unsafe runHelper($0) },
        start.toOpaque()
      )
    #endif
    guard status == 0 else {
      unsafe start.release()
      throw .thread(errorNumber: Int(status))
    }
    #if canImport(Darwin)
      if let thread = unsafe thread { unsafe helpers.append(thread) }
    #else
      helpers.append(thread)
    #endif
  }

  /// Runs a job on every thread, and returns when all are done.
  ///
  /// A paced job leaves the helpers out while they only slow it down, as when
  /// another program keeps their core busy.
  func run(_ job: some TeamJob, paced: Bool = false) {
    let together = threads > 1 && (!paced || pace.together)
    let start = paced && threads > 1 ? monotonicNanoseconds() : 0
    withOneOpenMPThread {
      state.begin(job, threads: together ? threads : 1)
      job.work(thread: 0, team: state)
      state.barrier()
      state.end()
    }
    if paced, threads > 1 {
      pace.note(monotonicNanoseconds() &- start)
    }
  }
}

/// Chooses between all threads and the caller alone by what was faster.
///
/// Jobs of equal size are assumed. The results don't depend on the choice.
private struct Pace {
  private static let window = 16
  private static let longestPause = 2048

  private(set) var together = true
  private var alone: UInt64?
  private var sum: UInt64 = 0
  private var runs = 0
  private var wanted = Pace.window
  private var pause = 64

  mutating func note(_ nanoseconds: UInt64) {
    sum &+= nanoseconds
    runs += 1
    // A window that has lost already need not be waited for.
    let limit = together ? alone.map { $0 &* UInt64(wanted) } : nil
    guard runs >= wanted || sum > limit ?? .max else { return }
    let mean = sum / UInt64(runs)
    sum = 0
    runs = 0
    wanted = Self.window
    if !together {
      alone = mean
      together = true
    } else if let alone {
      if mean > alone {
        together = false
        wanted = pause
        pause = min(pause * 2, Self.longestPause)
      } else {
        pause = 64
      }
    } else {
      // The first runs warmed up; now a few alone to compare with.
      together = false
      wanted = 8
    }
  }
}

/// Nanoseconds on a clock that only goes forward.
func monotonicNanoseconds() -> UInt64 {
  var time = timespec()
  unsafe clock_gettime(CLOCK_MONOTONIC, &time)
  return UInt64(time.tv_sec) &* 1_000_000_000 &+ UInt64(time.tv_nsec)
}

/// What the threads of a team share.
@safe
final class TeamState: @unchecked Sendable {
  private let generation = Atomic<Int>(0)
  private let sleepers = Atomic<Int>(0)
  private let arrived = Atomic<Int>(0)
  private let phase = Atomic<Int>(0)
  private let nextChunk = Atomic<Int>(0)
  private let stopped = Atomic<Bool>(false)
  private let lock: UnsafeMutablePointer<pthread_mutex_t>
  private let wakeUp: UnsafeMutablePointer<pthread_cond_t>
  private var active = 1
  private var job: (any TeamJob)?

  init() {
    unsafe lock = .allocate(capacity: 1)
    unsafe wakeUp = .allocate(capacity: 1)
    unsafe pthread_mutex_init(lock, nil)
    unsafe pthread_cond_init(wakeUp, nil)
  }

  deinit {
    unsafe pthread_cond_destroy(wakeUp)
    unsafe pthread_mutex_destroy(lock)
    unsafe wakeUp.deallocate()
    unsafe lock.deallocate()
  }

  /// Hands out the numbers 0..<count, each to one thread.
  @inline(__always)
  func chunks(_ count: Int, _ body: (Int) -> Void) {
    while true {
      let chunk = nextChunk.wrappingAdd(1, ordering: .relaxed).oldValue
      guard chunk < count else { return }
      body(chunk)
    }
  }

  /// Waits until every thread is here, and makes all writes visible to all.
  func barrier() {
    let current = phase.load(ordering: .acquiring)
    // Before arriving: afterwards the next job may have changed it already.
    let expected = active
    let here = arrived.wrappingAdd(1, ordering: .acquiringAndReleasing).newValue
    if here == expected {
      arrived.store(0, ordering: .relaxed)
      nextChunk.store(0, ordering: .relaxed)
      phase.store(current &+ 1, ordering: .releasing)
      return
    }
    var spins = 0
    while phase.load(ordering: .acquiring) == current {
      spins &+= 1
      // Whoever is awaited may be waiting for this very core.
      if spins < 4000 { pth_pause() } else { sched_yield() }
    }
  }

  fileprivate func begin(_ job: some TeamJob, threads: Int) {
    active = threads
    guard threads > 1 else { return }
    self.job = job
    generation.wrappingAdd(1, ordering: .sequentiallyConsistent)
    if sleepers.load(ordering: .sequentiallyConsistent) > 0 { wakeAll() }
  }

  /// Lets go of the job, which may own the team.
  fileprivate func end() {
    job = nil
  }

  fileprivate func stop() {
    stopped.store(true, ordering: .sequentiallyConsistent)
    generation.wrappingAdd(1, ordering: .sequentiallyConsistent)
    wakeAll()
  }

  private func wakeAll() {
    unsafe pthread_mutex_lock(lock)
    unsafe pthread_cond_broadcast(wakeUp)
    unsafe pthread_mutex_unlock(lock)
  }

  fileprivate func helperLoop(_ index: Int) {
    var seen = 0
    while true {
      waitForJob(after: seen)
      seen = generation.load(ordering: .acquiring)
      if stopped.load(ordering: .acquiring) { return }
      job?.work(thread: index, team: self)
      barrier()
    }
  }

  private func waitForJob(after seen: Int) {
    // The next step comes soon; sleeping and waking would cost more.
    for _ in 0..<2000 {
      if generation.load(ordering: .acquiring) != seen { return }
      pth_pause()
    }
    unsafe pthread_mutex_lock(lock)
    sleepers.wrappingAdd(1, ordering: .sequentiallyConsistent)
    while generation.load(ordering: .sequentiallyConsistent) == seen {
      unsafe pthread_cond_wait(wakeUp, lock)
    }
    sleepers.wrappingSubtract(1, ordering: .sequentiallyConsistent)
    unsafe pthread_mutex_unlock(lock)
  }
}

private final class HelperStart {
  let state: TeamState
  let index: Int

  init(_ state: TeamState, _ index: Int) {
    self.state = state
    self.index = index
  }
}

private func runHelper(
  _ argument: UnsafeMutableRawPointer?
) -> UnsafeMutableRawPointer? {
  guard let argument = unsafe argument else { return nil }
  let start = unsafe Unmanaged<HelperStart>.fromOpaque(argument)
    .takeRetainedValue()
  withOneOpenMPThread { start.state.helperLoop(start.index) }
  return nil
}
