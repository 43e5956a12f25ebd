"""How the tables came to be, one step per change. Steps are never edited once a warehouse may have run them."""
