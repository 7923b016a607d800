/// What the features of a store are for.
public enum FeaturePurpose: Sendable {
    /// Use and evaluation: a cut has one matrix of features, without dither or augmentation.
    case extraction
    /// Training: the front end's dither is drawn from the seed, the cut's id and the epoch, and
    /// the augmenter, where there is one, makes of each recording what is heard in an epoch.
    case training(seed: UInt64, augmenter: Augmenter? = nil)
}
