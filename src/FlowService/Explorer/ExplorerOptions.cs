namespace FlowService.Explorer;

/// <summary>The section <c>Explorer</c>: the page at the service's own address.</summary>
internal sealed class ExplorerOptions
{
    public const string Section = "Explorer";

    /// <summary>Whether the page is there that shows the models (default true); else the service's own address leads to Swagger.</summary>
    /// <remarks>Nobody shall look at the service by a browser.</remarks>
    public bool Enabled { get; set; } = true;

    /// <summary>Whether whoever may ask a model may also read the ordinary rows that its calibration keeps, at <c>/models/NAME/reference</c> (default true).</summary>
    /// <remarks>Those who ask must not see single rows of the data. Reasons draw on the rows all the same, and name values of single columns.</remarks>
    public bool ReferenceRows { get; set; } = true;
}
