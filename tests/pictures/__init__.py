"""Pictures of digits as people take them, made up from MNIST, and how well `predict` reads them."""
