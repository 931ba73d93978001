namespace FlowRows.Pictures;

/// <summary>What a picture must be to be a row: its channels, 1 of grey or 3 of colour, its sides, and the values of black and of full brightness.</summary>
internal readonly record struct PictureShape(int Channels, int Height, int Width, PixelRange Range);
