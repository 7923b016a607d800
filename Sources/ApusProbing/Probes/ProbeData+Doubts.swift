import ApusCorpus

// What speaks against figures before they are measured: leaks, classes that are one condition, labels
// that look like one.
extension ProbeData {
    /// Keys that say under which condition a recording was made.
    private static let conditions = ["device", "site", "room", "session", "package"]

    /// Adds warnings about the data, once nothing is dropped any more.
    ///
    /// - Parameters:
    ///   - folds: Which recordings are learned from, chosen on and measured on.
    ///   - key: The key of the groups; `nil` where the parts are given.
    ///   - workers: How many files are read at a time.
    mutating func warnOfDoubts(folds: [ProbeFold], key: String?, workers: Int) {
        let cuts = cuts
        let classes = labelSets
        warnOfLabels(classes)
        let other = key == ProbeFold.officialKey ? nil : key
        for condition in Self.conditions + [other].compactMap(\.self) {
            warnOfCondition(condition, cuts, classes)
        }
        warnOfLeaks(folds, cuts, namesSharedParts: key == nil, workers: workers)
    }

    private mutating func warnOfLabels(_ classes: [[String]]) {
        // Strings are equal in Swift whatever their Unicode form, so their bytes are compared.
        let spellings = Set(classes.joined().map { Array($0.utf8) })
        let alike = Dictionary(grouping: spellings) {
            String(decoding: $0, as: UTF8.self).lowercased()
        }
        let similar = alike.values.filter { $0.count > 1 }.joined()
            .map { String(decoding: $0, as: UTF8.self) }.sorted()
        if !similar.isEmpty { warn(.similarLabels(similar)) }
        let counts = Dictionary(classes.joined().map { ($0, 1) }, uniquingKeysWith: +)
        let single = counts.filter { $0.value == 1 }.keys.sorted()
        if !single.isEmpty { warn(.singleExamples(single)) }
    }

    private mutating func warnOfCondition(
        _ key: String, _ cuts: [Cut], _ classes: [[String]]
    ) {
        let values = cuts.map { $0.text(of: key) }
        guard Set(values.compactMap(\.self)).count > 1 else { return }
        let pairs = zip(classes, values).flatMap { classes, value in classes.map { ($0, value) } }
        let bound = Dictionary(grouping: pairs, by: \.0)
            .filter {
                $0.value.count > 1 && $0.value[0].1 != nil && Set($0.value.map(\.1)).count == 1
            }
            .keys.sorted()
        if !bound.isEmpty { warn(.oneCondition(key: key, classes: bound)) }
    }

    private mutating func warnOfLeaks(
        _ folds: [ProbeFold], _ cuts: [Cut], namesSharedParts: Bool, workers: Int
    ) {
        let originals = originalFiles(of: cuts.map(\.audioPath), workers: workers)
        let contents = cuts.map { originals[$0.audioPath] ?? $0.audioPath }
        // Stretches of one file are takes of one source, unless their manifest says otherwise.
        let sources = cuts.map { $0.text(of: "source") ?? $0.audioPath }
        var (ofSource, ofAudio): ([String], [String]) = ([], [])
        for fold in folds {
            let others = fold.train + fold.development
            let paths = Set(others.map { cuts[$0].audioPath })
            // Of given parts these have a warning of their own.
            let named = namesSharedParts ? Set(fold.train.map { Place(cuts[$0]) }) : []
            let (known, heard) = (Set(others.map { sources[$0] }), Set(others.map { contents[$0] }))
            for position in fold.test {
                let cut = cuts[position]
                if named.contains(Place(cut)) { continue }
                if heard.contains(contents[position]), !paths.contains(cut.audioPath) {
                    ofAudio.append(cut.id)
                } else if known.contains(sources[position]) {
                    ofSource.append(cut.id)
                }
            }
        }
        if let first = ofAudio.first { warn(.sharedAudio(count: ofAudio.count, first: first)) }
        if let first = ofSource.first { warn(.sharedSource(count: ofSource.count, first: first)) }
    }
}
