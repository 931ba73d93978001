using System;
using System.IO;
using System.Text;
using Microsoft.Build.Framework;
using Microsoft.Build.Utilities;

/// <summary>Sets VER_FLG_WEAK on one version need of a 64-bit little-endian ELF library, by replacing the file.</summary>
public sealed class WeakenVersionNeed : Task
{
    private const ushort Weak = 0x2;
    private const uint SectionVersionNeed = 0x6ffffffe; // SHT_GNU_verneed

    public string File { get; set; } = "";

    public string Version { get; set; } = "";

    public override bool Execute()
    {
        byte[] image = System.IO.File.ReadAllBytes(File);
        int entry = FindNeed(image, Version);
        if (entry < 0 || (BitConverter.ToUInt16(image, entry + 4) & Weak) != 0)
            return true; // not needed by this build of the library, or already weak

        image[entry + 4] |= (byte)Weak;
        // The file may be a hard link to the package cache's own: write beside it, then rename over it. Its time is kept,
        // so that an incremental build sees an unchanged copy.
        DateTime written = System.IO.File.GetLastWriteTimeUtc(File);
        string aside = File + "." + Guid.NewGuid().ToString("N");
        System.IO.File.WriteAllBytes(aside, image);
        System.IO.File.SetLastWriteTimeUtc(aside, written);
        System.IO.File.Delete(File);
        System.IO.File.Move(aside, File);
        Log.LogMessage(MessageImportance.Normal, "{0}: the need for {1} is now weak", File, Version);
        return true;
    }

    /// <summary>The offset of the Elf64_Vernaux entry of that name, or -1.</summary>
    private static int FindNeed(byte[] image, string version)
    {
        if (image.Length < 64 || image[0] != 0x7f || image[1] != 'E' || image[4] != 2 || image[5] != 1)
            return -1;

        long sections = BitConverter.ToInt64(image, 0x28);
        int size = BitConverter.ToUInt16(image, 0x3a), count = BitConverter.ToUInt16(image, 0x3c);
        for (int i = 0; i < count; i++)
        {
            int header = checked((int)(sections + (long)i * size));
            if (BitConverter.ToUInt32(image, header + 4) != SectionVersionNeed)
                continue;

            int need = checked((int)BitConverter.ToInt64(image, header + 0x18));
            int link = BitConverter.ToInt32(image, header + 0x28), needs = BitConverter.ToInt32(image, header + 0x2c);
            int names = checked((int)BitConverter.ToInt64(image, checked((int)(sections + (long)link * size)) + 0x18));
            for (int n = 0; n < needs; n++)
            {
                int auxiliaries = BitConverter.ToUInt16(image, need + 2), aux = need + BitConverter.ToInt32(image, need + 8);
                for (int a = 0; a < auxiliaries; a++)
                {
                    if (NameAt(image, names + BitConverter.ToInt32(image, aux + 8)) == version)
                        return aux;
                    aux += BitConverter.ToInt32(image, aux + 12);
                }
                need += BitConverter.ToInt32(image, need + 12);
            }
        }
        return -1;
    }

    private static string NameAt(byte[] image, int offset)
    {
        int end = Array.IndexOf(image, (byte)0, offset);
        return Encoding.ASCII.GetString(image, offset, end - offset);
    }
}
