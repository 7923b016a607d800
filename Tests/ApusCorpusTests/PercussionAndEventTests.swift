import ApusCorpus
import TestSupport
import Testing

struct PercussionAndEventTests {
    let folder: TemporaryFolder

    init() throws { folder = try TemporaryFolder() }

    @Test func strokesAreReadFromNames() throws {
        let names = [
            ("kit a/BD_01.wav", "kick"), ("kit a/SnareOffRim-0.wav", "rimshot"),
            ("kit a/crash20i__ride-cup1.wav", "ride"), ("kit a/hhopen_00.wav", "hihat"),
            ("kit b/mc_cb.wav", "cowbell"), ("kit b/HandClap-Soft.wav", "clap"),
            ("kit b/t1_02.wav", "tom"), ("kit b/122557__anillogic__trimo-c3.wav", nil),
            ("kit b/29800__stomachache__3.wav", nil), ("kit b/PowR_SN_1.wav", "snare"),
        ]
        for (number, (name, _)) in names.enumerated() {
            try folder.writeWAV(
                "usr/share/hydrogen/data/drumkits/" + name, sampleCount: 8000,
                seed: UInt32(number))
        }
        let scan = try DebianPercussionPreparer().scan(folder.path)
        let labels = Dictionary(
            uniqueKeysWithValues: scan.cuts.map { ($0.id + ".wav", $0.labels) })
        for (name, stroke) in names { #expect(labels[name] == stroke.map { [$0] }, "\(name)") }
        #expect(scan.leftOut.count == 2)
        #expect(scan.cuts[0].text(of: "kit") == "kit a")
        let all = try DebianPercussionPreparer(keepsUnnamed: true).scan(folder.path)
        #expect(all.cuts.count == names.count)
        #expect(all.cuts.count { $0.labels.isEmpty } == 2)
        #expect(throws: CorpusError.self) {
            try DebianPercussionPreparer().scan(folder.path + "/absent")
        }
    }

    @Test func tablesOfEventsAreRead() throws {
        try folder.writeWAV("audio/a.wav", sampleCount: 16000, seed: 1)
        try folder.writeWAV("audio/b.wav", sampleCount: 16000, seed: 2)
        try folder.write(
            "filename\tonset\toffset\tevent_label\na.wav\t0.25\t0.5\tdoor\n"
                + "a.wav\t0.3\t0.75\tbell\nb.wav\t\t\t\nabsent.wav\t0\t1\tdoor\n", "meta/x.tsv")
        let scan = try DCASEPreparer().scan(folder.path)
        #expect(scan.cuts.map(\.id) == ["a.wav", "b.wav"])
        #expect(
            scan.cuts[0].extra["events"]
                == .array([
                    .object([
                        "onset": .number(0.25), "offset": .number(0.5), "label": .string("door"),
                    ]),
                    .object([
                        "onset": .number(0.3), "offset": .number(0.75), "label": .string("bell"),
                    ]),
                ]))
        #expect(scan.cuts[1].extra["events"] == .array([]))
        #expect(scan.leftOut.map(\.path) == [folder.path + "/absent.wav"])
    }

    @Test(arguments: [
        ("a.wav\t0.5\t0.25\tdoor", "is from '0.5' to '0.25' s"), ("a.wav\t0\t1", "3 columns"),
        ("a.wav\t0\tnan\tdoor", "'nan'"), ("a.wav\t0\t1\t", "no label"),
    ])
    func aBadTableIsNamed(line: String, reason: String) throws {
        try folder.write("filename\tonset\toffset\tevent_label\n" + line + "\n", "x.tsv")
        let error = #expect(throws: CorpusError.self) { try DCASEPreparer().scan(folder.path) }
        #expect(error?.description.contains(reason) == true)
        #expect(error?.description.contains(".tsv:2: ") == true)
    }

    @Test func groupsAreReadFromAnyKey() {
        let cut = Cut(
            id: "a", audioPath: "a", speaker: "s", fold: "3",
            extra: ["kit": .string("k"), "site": .integer(7), "gain": .number(0.5)])
        #expect(
            ["speaker", "fold", "kit", "site", "gain", "language"].map(cut.text)
                == ["s", "3", "k", "7", nil, nil])
    }
}
