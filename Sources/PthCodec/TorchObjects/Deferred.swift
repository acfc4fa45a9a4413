internal import Synchronization

/// A value that is put together when it is first asked for.
final class Deferred<Value: Sendable>: Sendable {
  private enum State {
    case pending(@Sendable () -> Value)
    case ready(Value)
  }

  private let state: Mutex<State>

  /// - Parameter make: Gives the value; called once.
  init(_ make: @escaping @Sendable () -> Value) {
    state = Mutex(.pending(make))
  }

  init(ready value: Value) {
    state = Mutex(.ready(value))
  }

  var value: Value {
    state.withLock { state in
      switch state {
      case .ready(let value): return value
      case .pending(let make):
        let value = make()
        state = .ready(value)
        return value
      }
    }
  }
}
