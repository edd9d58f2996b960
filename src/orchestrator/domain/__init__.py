"""The words of the shop, as frozen values and pure functions.

Customer        somebody who bought; a *person* is one phone or e-mail, whatever number of profiles share it
Consent         a customer agreed to hear from the shop on a channel, for a purpose
Suppression     an address that must not be written to, whatever was agreed
Playbook        a folder: ``playbook.yaml``, its templates, its locales
Campaign        one launched version of a playbook, pinned by content hash
Track           who is told what: new, returning …; a customer is in exactly one
Wave            one step of the sequence: thanks, care, coupon …
Occurrence      which repeat of a wave; the first is 0
Enrollment      one customer in one campaign
Arm             treated or held out, drawn by lot before anything is sent
Message         one wave, one occurrence, one enrollment: planned to final
Send            all messages of one campaign, wave, occurrence and day: the unit that is evaluated
Concern         a curated question and answer for a category
Coupon          a code that lowers one order of one customer
Stock           how many coupons of an offer a campaign has out at most
Reminder        a wave that brings the coupon of an earlier one again, while it is good
Evaluation      what a send, a group or a campaign caused
"""
