import ApusProbing
import ArgumentParser

/// Whether representations of earlier runs are used and kept.
struct CacheOptions: ParsableArguments {
    @Flag(help: "Neither use nor keep representations of earlier runs (see apus cache).")
    var noCache = false

    /// The cache; nil for none.
    var cache: RepresentationCache? { noCache ? nil : RepresentationCache() }
}
