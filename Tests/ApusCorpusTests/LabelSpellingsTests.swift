import ApusCorpus
import Testing

@Suite struct LabelSpellingsTests {
    @Test func namesThatLookLikeOneAreGrouped() {
        let spellings = LabelSpellings(["DE-m3", "fr", "de-M3", "de-m3", "fr", "\u{FB01}n", "fin"])
        #expect(spellings.alike == [["DE-m3", "de-M3", "de-m3"], ["fin", "\u{FB01}n"]])
        #expect(spellings.takenAsOne.isEmpty)
    }

    @Test func twoUnicodeFormsAreOneName() {
        let spellings = LabelSpellings(["Zo\u{EB}", "Zoe\u{308}", "Zo\u{EB}", "Zoe"])
        #expect(spellings.takenAsOne == ["Zo\u{EB}"])
        #expect(spellings.alike.isEmpty)
    }

    @Test func plainNamesAreNothingToTellOf() {
        #expect(LabelSpellings(["a", "b", "\u{E9}", "a"]) == LabelSpellings([]))
        #expect(LabelSpellings([]).warnings(plural: "speakers").isEmpty)
    }

    @Test func aSentenceNamesEightAtMost() {
        let names = (0..<9).flatMap { ["v\($0)", "V\($0)"] }
        let warnings = LabelSpellings(names).warnings(plural: "speakers")
        #expect(
            warnings == [
                "different speakers by case or Unicode form alone: V0 / v0, V1 / v1, V2 / v2, V3 / v3, "
                    + "V4 / v4, V5 / v5, V6 / v6, V7 / v7, ..."
            ])
    }
}
