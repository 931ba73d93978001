namespace FlowService.Explorer;

/// <summary>The section <c>Explorer</c>: the page at the service's own address.</summary>
internal sealed class ExplorerOptions
{
    public const string Section = "Explorer";

    /// <summary>Whether the page is there that shows the models (default true); else the service's own address leads to Swagger.</summary>
    /// <remarks>Nobody shall look at the service by a browser.</remarks>
    public bool Enabled { get; set; } = true;
}
