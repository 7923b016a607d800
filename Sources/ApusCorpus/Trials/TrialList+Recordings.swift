import Foundation

extension TrialList {
    /// Finds the recordings that the trials name.
    ///
    /// A name is looked for as the id of a cut, with and without an audio file's extension, then as
    /// an id with `-` in place of `/` (Kaldi's ids of VoxCeleb), then as the end of an audio file's
    /// path, so that `id10270/x6uYqmx31kE/00001.wav` is found whatever folder holds it.
    ///
    /// - Parameter manifests: The manifests that have the recordings.
    /// - Returns: For each of `names` the position of its cut among all cuts of the manifests, one
    ///   manifest after the other.
    /// - Throws: `CorpusError.unknownRecordings` where a name is not found or names several.
    public func recordings(in manifests: [Manifest]) throws -> [Int] {
        let cuts = manifests.flatMap(\.cuts)
        var found = byID(cuts)
        let missing = names.indices.filter { found[$0] == nil }
        var ambiguous: [String] = []
        for (length, positions) in Dictionary(
            grouping: missing, by: { pathParts(names[$0]).count })
        {
            let ends = pathEnds(of: cuts, length: length)
            for position in positions {
                switch ends[recordingName(names[position])] {
                case .one(let cut): found[position] = cut
                case .several: ambiguous.append(names[position])
                case nil: break
                }
            }
        }
        let unknown = names.indices.filter { found[$0] == nil }.map { names[$0] }
        guard unknown.isEmpty else {
            throw CorpusError.unknownRecordings(
                path: path, manifest: manifests.map(\.path).joined(separator: ", "),
                count: unknown.count, total: names.count, examples: Array(unknown.prefix(5)),
                ambiguous: ambiguous.count)
        }
        return found.compactMap(\.self)
    }

    private func byID(_ cuts: [Cut]) -> [Int?] {
        var numbers: [String: Int] = [:]
        for (number, cut) in cuts.enumerated() {
            for id in [cut.id, recordingName(cut.id)] where numbers[id] == nil {
                numbers[id] = number
            }
        }
        return names.map { name in
            let stem = recordingName(name)
            return numbers[name] ?? numbers[stem]
                ?? numbers[stem.replacingOccurrences(of: "/", with: "-")]
        }
    }

    private enum Match {
        case one(Int)
        case several
    }

    /// The cuts by the last parts of their audio files' paths.
    private func pathEnds(of cuts: [Cut], length: Int) -> [String: Match] {
        var ends: [String: Match] = [:]
        for (number, cut) in cuts.enumerated() {
            let parts = pathParts(cut.audioPath)
            guard parts.count >= length else { continue }
            let end = recordingName(parts.suffix(length).joined(separator: "/"))
            ends[end] = ends[end] == nil ? .one(number) : .several
        }
        return ends
    }

    private func pathParts(_ name: String) -> [Substring] {
        name.split(separator: "/").filter { $0 != "." }
    }
}
