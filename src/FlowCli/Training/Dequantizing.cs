namespace FlowCli.Training;

/// <summary>Which columns with a grid of values are spread over its cells in training.</summary>
internal enum Dequantizing
{
    /// <summary>Those of integers.</summary>
    Auto,

    /// <summary>Those of coarse decimals, too.</summary>
    All,

    /// <summary>None.</summary>
    None,
}
