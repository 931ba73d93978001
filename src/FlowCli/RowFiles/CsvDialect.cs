namespace FlowCli.RowFiles;

/// <summary>How the cells of a CSV file are told apart.</summary>
internal static class CsvDialect
{
    private const int MostCharacters = 1 << 16;

    /// <summary>
    /// The delimiter of the first line: a tab where there is one, else a semicolon, else the comma. Quoted text does not count. A
    /// comma beside another delimiter is a decimal comma.
    /// </summary>
    public static char DelimiterOf(string path)
    {
        using var reader = new StreamReader(path);
        var characters = new char[MostCharacters];
        int count = reader.ReadBlock(characters);
        bool quoted = false, semicolon = false, any = false;
        foreach (char c in characters.AsSpan(0, count))
        {
            if (c == '"')
                quoted = !quoted;
            else if (quoted)
                continue;
            else if (c is '\n' or '\r' && any)
                break;
            else if (c == '\t')
                return '\t';
            else if (c == ';')
                semicolon = true;
            any |= !char.IsWhiteSpace(c);
        }
        return semicolon ? ';' : ',';
    }
}
