namespace FlowService.Batching;

/// <summary>Who waits for whom: interactive requests are computed first, and bulk ones are not starved.</summary>
internal enum Priority
{
    Interactive,
    Bulk,
}
