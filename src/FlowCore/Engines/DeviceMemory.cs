namespace FlowCore.Engines;

/// <summary>The memory of a GPU.</summary>
/// <param name="Device">The device, <c>cuda:n</c>.</param>
/// <param name="Name">What its maker calls it.</param>
/// <param name="AllocatedBytes">What the engine that was asked holds.</param>
/// <param name="FreeBytes">What nobody holds, in whatever process.</param>
/// <param name="TotalBytes">All of it.</param>
public sealed record DeviceMemory(string Device, string Name, long AllocatedBytes, long FreeBytes, long TotalBytes);
