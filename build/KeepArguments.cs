using System;
using System.IO;
using Microsoft.Build.Framework;
using Microsoft.Build.Utilities;

/// <summary>Sets the flag DisableOptimizations of an assembly's DebuggableAttribute, by replacing the file.</summary>
public sealed class KeepArguments : Task
{
    // The attribute's value as a blob: its length, a prolog, the flags (IgnoreSymbolStoreSequencePoints, as releases have it), no named arguments.
    private static readonly byte[] Released = { 8, 1, 0, 0x02, 0, 0, 0, 0, 0 };
    private static readonly byte[] Unoptimized = { 8, 1, 0, 0x07, 1, 0, 0, 0, 0 };

    public string File { get; set; } = "";

    public override bool Execute()
    {
        byte[] image = System.IO.File.ReadAllBytes(File);
        int at = Find(image, Released, 0);
        if (at < 0 && Find(image, Unoptimized, 0) >= 0)
            return true; // done already
        if (at < 0 || Find(image, Released, at + 1) >= 0)
        {
            Log.LogError("{0}: its DebuggableAttribute is not where this step looks for it; see build/SafeTorchSharp.targets", File);
            return false;
        }
        Unoptimized.CopyTo(image, at);
        // As in WeakenVersionNeed: the file may be a link to the package cache's own, and its time is kept.
        DateTime written = System.IO.File.GetLastWriteTimeUtc(File);
        string aside = File + "." + Guid.NewGuid().ToString("N");
        System.IO.File.WriteAllBytes(aside, image);
        System.IO.File.SetLastWriteTimeUtc(aside, written);
        System.IO.File.Delete(File);
        System.IO.File.Move(aside, File);
        return true;
    }

    private static int Find(byte[] image, byte[] blob, int from)
    {
        for (int at = from; at <= image.Length - blob.Length; at++)
        {
            int same = 0;
            while (same < blob.Length && image[at + same] == blob[same])
                same++;
            if (same == blob.Length)
                return at;
        }
        return -1;
    }
}
