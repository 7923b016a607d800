import Testing

extension Commands {
    @Suite struct Help {
        static let names = [
            "doctor", "prepare", "features", "units", "pretrain", "train", "embed", "search",
            "cache", "probe",
            "trials",
            "verify", "classify", "detect", "enroll", "identify", "compare", "report", "info",
        ]

        @Test(arguments: names) func eachCommandShowsAnExample(name: String) throws {
            let outcome = try BuiltCommand.run([name, "--help"])
            #expect(outcome.status == 0)
            #expect(outcome.output.contains("Example"))
            #expect(outcome.output.contains("apus \(name)"))
        }

        @Test func theCommandListsItsCommands() throws {
            let outcome = try BuiltCommand.run(["--help"])
            #expect(outcome.status == 0)
            for name in Self.names { #expect(outcome.output.contains(name)) }
            #expect(try BuiltCommand.run(["--version"]).output.split(separator: ".").count == 3)
        }

        @Test func wrongUseIsExitCode64() throws {
            for arguments in [
                ["nonsense"], ["embed"], ["features", voice],
                ["features", "--front-end", "nonsense"],
                ["prepare", "nonsense", ".", "-o", "x"], ["classify", "a", "b", "--top", "0"],
            ] {
                let outcome = try BuiltCommand.run(arguments)
                #expect(outcome.status == 64, "\(arguments): \(outcome.error)")
                #expect(!outcome.error.isEmpty)
            }
        }

        @Test func doctorNamesTheLibraries() throws {
            let outcome = try BuiltCommand.run(["doctor"])
            #expect(outcome.status == 0)
            for name in ["libsndfile-1", "fftw", "soxr", "2.13.0", "FLAC", "OGG"] {
                #expect(outcome.output.contains(name), "\(outcome.output)")
            }
        }
    }
}
