"""The first article of the Universal Declaration of Human Rights, and encodings in which its languages are found."""

# ruff: noqa: RUF001 - languages have letters that look like those of others

ARTICLES = {
    "Polish": "Wszyscy ludzie rodzą się wolni i równi pod względem swej godności i swych praw.\n"
    "Są oni obdarzeni rozumem i sumieniem i powinni postępować wobec innych w duchu braterstwa.",
    "Czech": "Všichni lidé rodí se svobodní a sobě rovní co do důstojnosti a práv.\n"
    "Jsou nadáni rozumem a svědomím a mají spolu jednat v duchu bratrství.",
    "Hungarian": "Minden emberi lény szabadon születik és egyenlő méltósága és joga van.\n"
    "Az emberek, ésszel és lelkiismerettel bírván, egymással szemben testvéri szellemben kell hogy viseltessenek.",
    "Turkish": "Bütün insanlar hür, haysiyet ve haklar bakımından eşit doğarlar.\n"
    "Akıl ve vicdana sahiptirler ve birbirlerine karşı kardeşlik zihniyeti ile hareket etmelidirler.",
    "Russian": "Все люди рождаются свободными и равными в своем достоинстве и правах.\n"
    "Они наделены разумом и совестью и должны поступать в отношении друг друга в духе братства.",
    "Ukrainian": "Всі люди народжуються вільними і рівними у своїй гідності та правах.\n"
    "Вони наділені розумом і совістю і повинні діяти у відношенні один до одного в дусі братерства.",
    "Greek": "Όλοι οι άνθρωποι γεννιούνται ελεύθεροι και ίσοι στην αξιοπρέπεια και τα δικαιώματα.\n"
    "Είναι προικισμένοι με λογική και συνείδηση, και οφείλουν να συμπεριφέρονται μεταξύ τους με πνεύμα αδελφοσύνης.",
    "Hebrew": "כל בני האדם נולדו בני חורין ושווים בערכם ובזכויותיהם.\n"
    "כולם חוננו בתבונה ובמצפון, לפיכך חובה עליהם לנהוג איש ברעהו ברוח של אחווה.",
    "Arabic": "يولد جميع الناس أحرارا متساوين في الكرامة والحقوق.\n"
    "وقد وهبوا عقلا وضميرا وعليهم أن يعامل بعضهم بعضا بروح الإخاء.",
    "Thai": "มนุษย์ทั้งหลายเกิดมามีอิสระและเสมอภาคกันในเกียรติศักดิ์และสิทธิ\n"
    "ต่างมีเหตุผลและมโนธรรม และควรปฏิบัติต่อกันด้วยเจตนารมณ์แห่งภราดรภาพ",
    "Chinese": "人人生而自由，在尊严和权利上一律平等。\n他们赋有理性和良心，并应以兄弟关系的精神相对待。",
    "Chinese, traditional": "人人生而自由，在尊嚴和權利上一律平等。\n他們賦有理性和良心，並應以兄弟關係的精神相對待。",
    "Japanese": "すべての人間は、生まれながらにして自由であり、かつ、尊厳と権利とについて平等である。\n"
    "人間は、理性と良心とを授けられており、互いに同胞の精神をもって行動しなければならない。",
    "Korean": "모든 인간은 태어날 때부터 자유로우며 그 존엄과 권리에 있어 동등하다.\n"
    "인간은 천부적으로 이성과 양심을 부여받았으며 서로 형제애의 정신으로 행동하여야 한다.",
    "German": "Alle Menschen sind frei und gleich an Würde und Rechten geboren.\n"
    "Sie sind mit Vernunft und Gewissen begabt und sollen einander im Geist der Brüderlichkeit begegnen.",
    "French": "Tous les êtres humains naissent libres et égaux en dignité et en droits.\n"
    "Ils sont doués de raison et de conscience et doivent agir les uns envers les autres dans un esprit de fraternité.",
    "Spanish": "Todos los seres humanos nacen libres e iguales en dignidad y derechos y, dotados como están de razón\n"
    "y conciencia, deben comportarse fraternalmente los unos con los otros. ¿Quién no lo sabe? ¡Mañana será así!",
    "English": "All human beings are born “free” and equal in dignity and rights…\n"
    "They’re endowed with reason and conscience – and should act towards one another in a spirit of brotherhood.",
}
WRITTEN_IN = {
    "Polish": ("windows-1250", "iso-8859-2"),
    "Czech": ("windows-1250",),
    "Hungarian": ("windows-1250", "iso-8859-2"),
    "Turkish": ("windows-1254",),
    "Russian": ("windows-1251", "koi8-r", "ibm866", "iso-8859-5"),
    "Ukrainian": ("windows-1251", "koi8-u"),
    "Greek": ("windows-1253", "iso-8859-7"),
    "Hebrew": ("windows-1255",),
    "Arabic": ("windows-1256",),
    "Thai": ("windows-874",),
    "Chinese": ("gb18030",),
    "Chinese, traditional": ("big5", "gb18030"),
    "Japanese": ("shift_jis", "euc-jp"),
    "Korean": ("euc-kr",),
    "German": ("windows-1252",),
    "French": ("windows-1252",),
    "Spanish": ("windows-1252",),
    "English": ("windows-1252",),
}
