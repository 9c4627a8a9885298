"""arfollow: receivables follow-up that runs by itself."""
