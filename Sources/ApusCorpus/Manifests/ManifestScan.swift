import Foundation

/// What one pass over a manifest finds: numbers for each cut, and the places of the lines.
///
/// Several threads read the file, some MB at a time; no more than the numbers stays in memory: 8 bytes a
/// cut for its id, 8 for its duration, 4 for its speaker where that is wanted, and 8 for each name of a
/// stream that is drawn from.
struct ManifestScan {
    /// The cuts.
    let lines: ManifestLines
    /// The hash of the id of each cut, behind the prefix that was asked for.
    let idHashes: [UInt64]
    /// The duration of each cut (s); not a number where the manifest has none.
    let durations: [Double]
    /// The number of each cut's speaker in the order of their first cuts; nil where they weren't asked
    /// for.
    let speakers: [UInt32]?
    /// The number of a speaker that isn't known.
    static let noSpeaker = UInt32.max
    /// A seeded draw for each cut, where one was asked for.
    let draws: [UInt64]

    /// What is wanted of a pass.
    struct Options: Sendable {
        /// What the hashes of ids begin with.
        var idPrefix = ""
        /// Whether speakers are numbered.
        var numbersSpeakers = false
        /// The seed and the stream's name before the id of a draw for each cut.
        var draw: (seed: UInt64, stream: String)?
        /// How many threads read.
        var workers = 2
        /// How much each reads at a time.
        var blockByteCount = 8 << 20
    }

    /// Reads a manifest once.
    ///
    /// - Parameters:
    ///   - path: The manifest.
    ///   - options: What is wanted.
    /// - Throws: `CorpusError.unreadable`, `.malformedLine` and `.duplicateID` as ``Manifest`` does.
    init(_ path: String, _ options: Options = Options()) throws {
        let blocks = try FileBlocks(path: path)
        var gathered = Gathered()
        var start = 0
        while start < blocks.byteCount {
            var ranges: [Range<Int>] = []
            while ranges.count < options.workers,
                let range = try blocks.block(from: start, byteCount: options.blockByteCount)
            {
                ranges.append(range)
                start = range.upperBound
            }
            if ranges.isEmpty { break }
            for part in concurrentMap(
                ranges, workers: options.workers,
                { range in
                    Result { () throws(CorpusError) in
                        try Part(blocks, range, options)
                    }
                })
            {
                try gathered.add(part.get(), path: path, options)
            }
        }
        lines = ManifestLines(
            blocks, places: gathered.places, idHashes: gathered.idHashes,
            idHashStart: fnv1a(options.idPrefix.utf8))
        (idHashes, durations) = (gathered.idHashes, gathered.durations)
        speakers = options.numbersSpeakers ? gathered.speakers : nil
        draws = gathered.draws
        try requireUniqueIDs()
    }

    /// Two equal hashes are two equal ids, unless they only look so: then the lines are read.
    private func requireUniqueIDs() throws {
        let sorted = RadixSort.order(of: idHashes)
        for (first, second) in zip(sorted, sorted.dropFirst())
        where idHashes[Int(first)] == idHashes[Int(second)] {
            let (one, other) = (min(first, second), max(first, second))
            let id = try lines.cut(at: Int(one)).id
            guard try lines.cut(at: Int(other)).id == id else {
                throw CorpusError.malformedLine(
                    path: lines.path, line: Int(other) + 1,
                    reason: "the ids of lines \(one + 1) and \(other + 1) have one hash; rename one"
                )
            }
            throw CorpusError.duplicateID(
                path: lines.path, line: Int(other) + 1, id: id, firstLine: Int(one) + 1)
        }
    }
}

/// What one thread finds in some lines.
private struct Part: Sendable {
    var idHashes: [UInt64] = []
    var durations: [Double] = []
    var draws: [UInt64] = []
    /// The number of each line's speaker among those of the part.
    var speakers: [UInt32] = []
    var speakerNames: [String] = []
    /// Where each line begins in the file.
    var starts: [Int] = []
    /// The number of lines, blank ones too.
    var lineCount = 0
    /// What is wrong with a line, counted in the part.
    var fault: (line: Int, reason: String)?

    init(
        _ blocks: FileBlocks, _ range: Range<Int>, _ options: ManifestScan.Options
    ) throws(CorpusError) {
        let bytes = try blocks.read(range)
        let idStart = fnv1a(options.idPrefix.utf8)
        let drawStart = fnv1a((options.draw?.stream ?? "").utf8)
        let capacity = bytes.count / 128
        idHashes.reserveCapacity(capacity)
        durations.reserveCapacity(capacity)
        starts.reserveCapacity(capacity)
        var speakerNumbers: [String: UInt32] = [:]
        func speakerNumber(_ name: String) -> UInt32 {
            if let known = speakerNumbers[name] { return known }
            speakerNumbers[name] = UInt32(speakerNames.count)
            speakerNames.append(name)
            return UInt32(speakerNames.count - 1)
        }
        func add(
            _ start: Int, idHash: UInt64, drawHash: UInt64, duration: Double?,
            speaker: () -> String?
        ) {
            starts.append(range.lowerBound + start)
            idHashes.append(idHash)
            durations.append(duration ?? .nan)
            if let draw = options.draw {
                var generator = SeededGenerator(seed: draw.seed, streamHash: drawHash, [])
                draws.append(generator.next())
            }
            if options.numbersSpeakers {
                speakers.append(speaker().map(speakerNumber) ?? ManifestScan.noSpeaker)
            }
        }
        bytes.withUnsafeBytes { text in
            forEachLine(of: text, isStart: range.lowerBound == 0) { line, start in
                lineCount += 1
                if fault != nil || isBlankLine(line) { return }
                if let plain = PlainManifestLine(line) {
                    add(
                        start, idHash: plain.idHash(after: idStart),
                        drawHash: options.draw == nil ? 0 : plain.idHash(after: drawStart),
                        duration: plain.duration, speaker: { plain.speaker.map(plain.text) })
                    return
                }
                do throws(CorpusError) {
                    let cut = try decodedCut(line, path: blocks.path, number: 0)
                    add(
                        start, idHash: fnv1a(cut.id.utf8, after: idStart),
                        drawHash: fnv1a(cut.id.utf8, after: drawStart), duration: cut.duration,
                        speaker: { cut.speaker })
                } catch {
                    guard case .malformedLine(_, _, let reason) = error else { return }
                    fault = (lineCount, reason)
                }
            }
        }
    }
}

/// The parts together.
private struct Gathered {
    var idHashes: [UInt64] = []
    var durations: [Double] = []
    var draws: [UInt64] = []
    var speakers: [UInt32] = []
    var places: [Int] = []
    private var speakerNumbers: [String: UInt32] = [:]
    private var lineCount = 0

    mutating func add(_ part: Part, path: String, _ options: ManifestScan.Options) throws {
        if let fault = part.fault {
            throw CorpusError.malformedLine(
                path: path, line: lineCount + fault.line, reason: fault.reason)
        }
        lineCount += part.lineCount
        let first = idHashes.count
        guard first + part.idHashes.count <= Int(Int32.max) else {
            throw CorpusError.unreadable(
                path: path, reason: "more than \(Int32.max) cuts in one manifest")
        }
        let step = ManifestLines.linesPerPlace
        for line in stride(from: (step - first % step) % step, to: part.starts.count, by: step) {
            places.append(part.starts[line])
        }
        idHashes += part.idHashes
        durations += part.durations
        draws += part.draws
        guard options.numbersSpeakers else { return }
        let numbers = part.speakerNames.map { name in
            if let known = speakerNumbers[name] { return known }
            let number = UInt32(speakerNumbers.count)
            speakerNumbers[name] = number
            return number
        }
        for speaker in part.speakers {
            speakers.append(
                speaker == ManifestScan.noSpeaker ? speaker : numbers[Int(speaker)])
        }
    }
}
