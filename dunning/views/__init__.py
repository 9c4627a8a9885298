"""The screens of the follow-up; each module is one page and its actions."""
