import ApusCorpus
import ApusMetrics

extension Cut {
    /// The timed labels of a recording: what its manifest has under the key `events`.
    ///
    ///     "events": [{"onset": 0.5, "offset": 1.25, "label": "door"}, ...]
    ///
    /// Times are seconds from the beginning of the cut.
    ///
    /// - Returns: The events; `nil` without the key, none for an empty list.
    /// - Throws: `ProbingError.badEvents` at an event that has no label, ends before it begins, or lies
    ///   outside the cut.
    public func soundEvents() throws -> [SoundEvent]? {
        guard let value = extra["events"] else { return nil }
        guard case .array(let entries) = value else {
            throw ProbingError.badEvents(id: id, reason: "'events' is no list")
        }
        return try entries.enumerated().map { index, entry in
            func fault(_ reason: String) -> ProbingError {
                .badEvents(id: id, reason: "event \(index + 1) \(reason)")
            }
            guard case .object(let parts) = entry else { throw fault("is no object") }
            func seconds(_ key: String) throws -> Double {
                switch parts[key] {
                case .number(let number): return number
                case .integer(let number): return Double(number)
                default: throw fault("has no number '\(key)'")
                }
            }
            guard case .string(let label) = parts["label"], !label.isEmpty else {
                throw fault("has no 'label'")
            }
            let event = SoundEvent(
                label: label, onset: try seconds("onset"), offset: try seconds("offset"))
            guard event.onset >= 0, event.offset > event.onset else {
                throw fault("is from \(event.onset) to \(event.offset) s")
            }
            if let duration, event.onset >= duration {
                throw fault("begins at \(event.onset) s of \(duration)")
            }
            return event
        }
    }
}
