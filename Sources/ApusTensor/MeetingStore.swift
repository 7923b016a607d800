import CTorch

/// The key-value store where processes meet: a connection to libtorch's TCPStore.
///
/// A connection answers one question at a time; who must not wait for another's has its own.
final class MeetingStore: @unchecked Sendable {
    // libtorch guards each connection by a lock of its own.
    let handle: apus_store

    init(
        _ place: ProcessPlace, serves: Bool, timeout: Double
    ) throws(ProcessError) {
        var out: apus_store?
        let problem = message(
            of: apus_store_open(
                place.host, Int32(place.port), serves, place.prefix, milliseconds(timeout), &out))
        guard let out, problem == nil else {
            throw .notJoined(
                "the meeting place \(place.host):\(place.port) can't be "
                    + (serves ? "served" : "reached") + " by rank \(place.rank): "
                    + (problem ?? "no store"))
        }
        handle = out
    }

    deinit { apus_store_free(handle) }

    func set(_ key: String, _ value: String) throws(ProcessError) {
        try check(apus_store_set(handle, key, value))
    }

    /// Sets a key that is empty yet.
    func setFirst(_ key: String, _ value: String) throws(ProcessError) {
        try check(apus_store_set_first(handle, key, value))
    }

    /// The value of a key; nil where it was never set.
    func value(_ key: String) throws(ProcessError) -> String? {
        var out: UnsafeMutablePointer<CChar>?
        try check(apus_store_get(handle, key, &out))
        return message(of: out)
    }

    /// The values of keys that were all set; none has a line break.
    func values(_ keys: [String]) throws(ProcessError) -> [String] {
        let names = keys.map { $0.utf8CString }
        var out: UnsafeMutablePointer<CChar>?
        func withPointers(
            _ index: Int, _ pointers: [UnsafePointer<CChar>]
        ) -> apus_status? {
            guard index < names.count else {
                return apus_store_get_all(handle, pointers, Int32(pointers.count), &out)
            }
            return names[index].withUnsafeBufferPointer { name in
                guard let first = name.baseAddress else { return nil }
                return withPointers(index + 1, pointers + [first])
            }
        }
        try check(withPointers(0, []))
        let lines = (message(of: out) ?? "").split(
            separator: "\n", omittingEmptySubsequences: false)
        return lines.dropLast().map(String.init)
    }

    private func check(_ status: apus_status?) throws(ProcessError) {
        if let problem = message(of: status) { throw .lost(problem) }
    }
}

/// Takes over a message of the C ABI.
func message(of text: UnsafeMutablePointer<CChar>?) -> String? {
    guard let text else { return nil }
    defer { apus_message_free(text) }
    return String(cString: text)
}

func milliseconds(_ seconds: Double) -> Int64 { Int64(max(1, seconds * 1000)) }
