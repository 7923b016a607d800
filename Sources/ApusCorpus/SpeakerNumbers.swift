/// A number for each recording, the same for recordings of the same speaker.
///
/// - Parameter speakers: Who speaks in each recording; nil where that isn't known, and then the
///   recording is a speaker of its own.
/// - Returns: The numbers, in the order of the speakers' first recordings; nil where no speaker is
///   known.
public func speakerNumbers(of speakers: [String?]) -> [Int]? {
    guard speakers.contains(where: { $0 != nil }) else { return nil }
    var numbers: [String: Int] = [:]
    var next = 0
    return speakers.map { speaker in
        if let speaker, let known = numbers[speaker] { return known }
        if let speaker { numbers[speaker] = next }
        next += 1
        return next - 1
    }
}
