"""Letters that look like other letters, and the Han forms that the opt-out vocabulary has in two spellings.

Owns data only: code point → what a reader takes it for. Never holds a pair that merely sounds or means the same
(Cyrillic Д is no D), and never decides what a text says.

How it works: `BEFORE_CASE` is applied while case is still there, because a capital and its small letter may look like
two different Latin letters (Greek Ν is N, ν is v); `AFTER_CASE` is applied to case-folded text. Styled mathematical,
full-width, circled and squared letters are not here: compatibility decomposition gives them.
"""

from typing import Final


def _pairs(shown: str, read: str) -> dict[int, str]:
    return {ord(a): b for a, b in zip(shown, read, strict=True)}


#: Capitals whose small letter reads differently, and letters in enclosures that Unicode does not decompose.
BEFORE_CASE: Final[dict[int, str]] = {
    **_pairs("ΑΒΕΖΗΙΚΜΝΟΡΤΥΧ", "abezhikmnoptyx"),
    **_pairs("ϹϺͿ", "cmj"),
    **{0x1F150 + i: chr(0x61 + i) for i in range(26)},  # negative circled
    **{0x1F170 + i: chr(0x61 + i) for i in range(26)},  # negative squared
}

AFTER_CASE: Final[dict[int, str]] = {
    # Cyrillic; н, т, в, к, м are small capitals of the Latin letter that their capital is the image of.
    **_pairs("авекмнорстухѕіјԁһԛԝү", "abekmhopctyxsijdhqwy"),
    # Greek small letters, by their own shape.
    **_pairs("αγικνορτυχϲϳ", "ayikvoptuxcj"),
    # Armenian.
    **_pairs("օոսհցզգ", "onuhgqq"),
    # Cherokee (its case folding goes to the capitals).
    **_pairs("ᎢᎠᎡᏒᎪᎬᎳᎻᏀᏃᏚᏞᏟᏢᏦᏴᎫᎷ", "tdrraewhgzslcpkbjm"),
    # Lisu.
    **_pairs("ꓐꓑꓓꓔꓖꓗꓙꓚꓜꓝꓟꓠꓡꓢꓣꓦꓧꓪꓫꓬꓮꓰꓲꓳꓴ", "bpdtgkjczfmnlsrvhwxyaeiou"),
    # Coptic.
    **_pairs("ⲁⲉⲏⲓⲕⲙⲛⲟⲣⲥⲧⲩⲭ", "aehikmnopctyx"),
    # Phonetic and small capital letters.
    **_pairs("ᴀʙᴄᴅᴇꜰɢʜɪᴊᴋʟᴍɴᴏᴘꞯʀꜱᴛᴜᴠᴡʏᴢɑɡı", "abcdefghijklmnopqrstuvwyzagi"),
    # Strokes and bars, which do not decompose.
    **_pairs("đðɖłøŧƭʈɗꝺꞇɍɲŋƞʋꝗ", "dddlotttddtrnnnvq"),
    # Han and Bopomofo strokes drawn as a T, and the ideographic zero.
    0x4E05: "t",
    0x3112: "t",
    0x3007: "0",
}

#: Traditional and variant forms → the form that the vocabulary is compared in. Both sides go through it.
HAN_FORMS: Final[dict[int, str]] = _pairs(
    "訂絕絶閱閲復複覆開閉關幫擾電話訊請謝煩騷發撥給對聯絡繫廣銷擋號碼單務終斷繼續啟啓來這個們麼麽樣該問誰條為"
    + "時應還會貴嗎囘迴沒過錯讓別滾夠點詢戶轉聽說説註冊無簡營資機權妳產産業辦從將錄録読讀購後無與處垃類種棄賬帳"
    + "佈佔併侖侶係俠倆倉倫偉側偵偽傑傘備傭傳債傷傾僅僑僞價儀億儘償優儲兌兒內兩凍凱刪則剛剝創劃劇劉劍動勝勞勢勸"
    + "勻區協卻厲參叢員喪喫嘆嘗嘩噴噸嚇嚮嚴囑國圍園圓圖團執報場塊塗塵墻壓壞壟壯壽夢夾奪奮妝婦媽孫學實寧審寫寬寶"
    + "專尋導屆屬岡峯島峽崗嶽巖帥師帶幣幹幾庫廁廂廈廚廟廠廢廳張強彈彙徑徵恆恥悅悶惡惱態慘慚慣慮慶慼慾憂憐憑憤憲"
    + "懇懲懶懷戀戰戲拋挾捨掃掛換揮損搖搵搶摟撐撫撲擁擇擊擔據擠擬擴擺攔攜攝攤敗敘敵數斂於昇晉晝暈暢暫曆曉曏曬書"
    + "東柵棲極構槍槓樂樓標樹橋檔檢檯櫃欄歐歡歲歷歸殘殺毀氣氾決況洩淚淨淺減測湊湧準溫滅滿漁漢漲漸潔潛澤濃濕濟灑"
    + "灣烏煇煉煙熱燈燒燻爭爺爾牀牆狀猻獎獨獲獻現環畢畫異當疊療盜盡監盤眞眾睏確祕禍禮稅稱穀積穩窮竊競筆節範築簽"
    + "籌籤糉糧紀約紅純紙級細組結統絲綁綑經綜綠維網緊緒線編緩練縣縮總績織繩繮繳罈罰罵罷羅羣義習聖聞聰聲職肅脅脩"
    + "脫腦腳膽臘臟臨臺興舉舊艙艦莊華萬葉葷蓋蔘薦藝藥蘇蘭虧蝨蟲衆術衛裏補裝裡製覈規視親覺覽觀觸訃計討訓託記訟設"
    + "許訴診詐評詞試詩詳誇誌認語誠誤課調談諒論諮諾謀謂證識譜譯議護譽變豐豬財貢貧貨販貪貫責貯買貸費貼貿賀賃賊賓"
    + "賞賠賢賣賤質賭賴賺賽贈贊贏贖趕趙趨跡踐踴蹤躍車軌軍軟較載輔輕輛輝輩輪輯輸農連進遊運達違遙遞遠適遲遷選遺邊"
    + "鄉鄰醜醫醬釀釋釘針釣鈔鈴鉅鉤銀銅鋒鋪錢錫鍵鎖鎮鏈鏡鐘鐵鑑門閃閑閒間閘陸陽隊階際隨險隱隸雖雙雜雞離難雲霧靈"
    + "靜韓響頁頂項順須預頑頒頓頗領頭頰頸頻題額顏願顛顧顯風飄飛飢飯飲飽養餓餘館餵饑饒馬駁駐駕騎騙騰驅驗驚驟髒體"
    + "髮鬆鬍鬚鬥鬧鬱魚魯鮮鯰鳥鳳鹹鹽麗麥麪麵黃黨齊齒齡齣龍龜",
    "订绝绝阅阅复复复开闭关帮扰电话讯请谢烦骚发拨给对联络系广销挡号码单务终断继续启启来这个们么么样该问谁条为"
    + "时应还会贵吗回回没过错让别滚够点询户转听说说注册无简营资机权你产产业办从将录录读读购后无与处垃类种弃账账"
    + "布占并仑侣系侠俩仓伦伟侧侦伪杰伞备佣传债伤倾仅侨伪价仪亿尽偿优储兑儿内两冻凯删则刚剥创划剧刘剑动胜劳势劝"
    + "匀区协却厉参丛员丧吃叹尝哗喷吨吓向严嘱国围园圆图团执报场块涂尘墙压坏垄壮寿梦夹夺奋妆妇妈孙学实宁审写宽宝"
    + "专寻导届属冈峰岛峡岗岳岩帅师带币干几库厕厢厦厨庙厂废厅张强弹汇径征恒耻悦闷恶恼态惨惭惯虑庆戚欲忧怜凭愤宪"
    + "恳惩懒怀恋战戏抛挟舍扫挂换挥损摇揾抢搂撑抚扑拥择击担据挤拟扩摆拦携摄摊败叙敌数敛于升晋昼晕畅暂历晓向晒书"
    + "东栅栖极构枪杠乐楼标树桥档检台柜栏欧欢岁历归残杀毁气泛决况泄泪净浅减测凑涌准温灭满渔汉涨渐洁潜泽浓湿济洒"
    + "湾乌𪸩炼烟热灯烧熏争爷尔床墙状狲奖独获献现环毕画异当叠疗盗尽监盘真众困确秘祸礼税称谷积稳穷窃竞笔节范筑签"
    + "筹签粽粮纪约红纯纸级细组结统丝绑捆经综绿维网紧绪线编缓练县缩总绩织绳缰缴坛罚骂罢罗群义习圣闻聪声职肃胁修"
    + "脱脑脚胆腊脏临台兴举旧舱舰庄华万叶荤盖参荐艺药苏兰亏虱虫众术卫里补装里制核规视亲觉览观触讣计讨训托记讼设"
    + "许诉诊诈评词试诗详夸志认语诚误课调谈谅论咨诺谋谓证识谱译议护誉变丰猪财贡贫货贩贪贯责贮买贷费贴贸贺赁贼宾"
    + "赏赔贤卖贱质赌赖赚赛赠赞赢赎赶赵趋迹践踊踪跃车轨军软较载辅轻辆辉辈轮辑输农连进游运达违遥递远适迟迁选遗边"
    + "乡邻丑医酱酿释钉针钓钞铃巨钩银铜锋铺钱锡键锁镇链镜钟铁鉴门闪闲闲间闸陆阳队阶际随险隐隶虽双杂鸡离难云雾灵"
    + "静韩响页顶项顺须预顽颁顿颇领头颊颈频题额颜愿颠顾显风飘飞饥饭饮饱养饿余馆喂饥饶马驳驻驾骑骗腾驱验惊骤脏体"
    + "发松胡须斗闹郁鱼鲁鲜鲶鸟凤咸盐丽麦面面黄党齐齿龄出龙龟",
)
