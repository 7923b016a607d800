/// Values that were made once and are kept as long as they fit.
///
/// It can be used from any thread; values are made outside the lock. Once the cache is full nothing
/// is added or thrown out: under an endless shuffled walk over more than fits, that keeps the largest
/// share of hits.
final class BoundedCache<Key: Hashable & Sendable, Value: Sendable>: Sendable {
    private struct Contents {
        var values: [Key: Value] = [:]
        var byteCount = 0
    }
    private let contents = Monitor(Contents())
    private let byteLimit: Int
    private let size: @Sendable (Value) -> Int

    /// Makes an empty cache.
    ///
    /// - Parameters:
    ///   - byteLimit: The number of bytes to keep; 0 keeps nothing.
    ///   - size: The number of bytes of a value.
    init(byteLimit: Int, size: @escaping @Sendable (Value) -> Int) {
        self.byteLimit = byteLimit
        self.size = size
    }

    /// The number of bytes that are kept.
    var byteCount: Int { contents.withLock { $0.byteCount } }

    /// The value of a key, kept or made now.
    func value<Failure: Error>(
        for key: Key, make: () throws(Failure) -> Value
    ) throws(Failure) -> Value {
        if let kept = contents.withLock({ $0.values[key] }) { return kept }
        let value = try make()
        let size = size(value)
        contents.withLock {
            if $0.byteCount + size <= byteLimit, $0.values.updateValue(value, forKey: key) == nil {
                $0.byteCount += size
            }
        }
        return value
    }
}
