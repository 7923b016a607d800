import ApusProbing
import ArgumentParser

/// Whether what earlier runs computed is used and kept.
struct CacheOptions: ParsableArguments {
    @Flag(help: "Neither use nor keep what earlier runs computed (see apus cache).")
    var noCache = false

    /// The cache; nil for none.
    var cache: RepresentationCache? { noCache ? nil : RepresentationCache() }
}
